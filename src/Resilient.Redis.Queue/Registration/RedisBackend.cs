using Microsoft.Extensions.DependencyInjection;
using Resilient.Redis.Queue.Storage;
using Resilient.Redis.Queue.Worker;

namespace Resilient.Redis.Queue.Registration;

/// <summary>Every queue in the Redis that it was added to.</summary>
internal sealed class RedisBackend(IServiceProvider provider) : QueueBackend
{
    public override TimeProvider LeaseClock => SuspendClock.Instance;

    public override IResilientRedis RedisOf(QueueRegistration queue) => provider.GetRequiredKeyedService<IResilientRedis>(queue.Connection);

    public override JobStore StoreOf(QueueRegistration queue, JobQueueOptions options) =>
        new RedisJobStore(RedisOf(queue), KeysOf(queue, options), options, RedisScripts.Default, ConnectionsOf(queue));

    public override Durability? DurabilityOf(QueueRegistration queue, JobQueueOptions options) => options is { ReplicaAcks: 0, RequireFsync: false }
        ? null
        : new Durability(KeysOf(queue, options), options, ConnectionsOf(queue), provider.GetRequiredService<TimeProvider>());

    private static QueueKeys KeysOf(QueueRegistration queue, JobQueueOptions options) => new(options.KeyPrefix, queue.Name);

    private IRedisConnectionFactory ConnectionsOf(QueueRegistration queue) => provider.GetRequiredKeyedService<IRedisConnectionFactory>(queue.Connection);
}
