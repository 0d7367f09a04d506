using Resilient.Redis.Queue.Registration;
using Resilient.Redis.Queue.Storage;

namespace Resilient.Redis.Queue.Testing;

/// <summary>Puts every queue of a container into memory.</summary>
internal sealed class InMemoryBackend(InMemoryJobQueues queues, TimeProvider time) : QueueBackend
{
    /// <summary>The same as the queues' own, so that a test moves both with one.</summary>
    public override TimeProvider LeaseClock => time;

    public override IResilientRedis RedisOf(QueueRegistration queue) => new NoRedis(queue.Connection);

    public override JobStore StoreOf(QueueRegistration queue, JobQueueOptions options) => queues.StoreOf(queue, options);

    /// <summary>No replicas, no disk: what is accepted is where it can be.</summary>
    public override Durability? DurabilityOf(QueueRegistration queue, JobQueueOptions options) => null;
}
