using Resilient.Redis.Queue.Storage;

namespace Resilient.Redis.Queue.Registration;

/// <summary>Where the queues of a container live, and what of the outside world they need there. In Redis, unless the test package has put another in place.</summary>
internal abstract class QueueBackend
{
    /// <summary>The clock by which workers count their leases.</summary>
    public abstract TimeProvider LeaseClock { get; }

    /// <summary>The connection whose time-outs bound a call, and which is mended before a second attempt.</summary>
    public abstract IResilientRedis RedisOf(QueueRegistration queue);

    public abstract JobStore StoreOf(QueueRegistration queue, JobQueueOptions options);

    /// <summary>Null where nothing is asked for.</summary>
    public abstract Durability? DurabilityOf(QueueRegistration queue, JobQueueOptions options);
}
