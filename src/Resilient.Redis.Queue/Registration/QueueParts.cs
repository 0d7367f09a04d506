using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Resilient.Redis.Queue.Diagnostics;
using Resilient.Redis.Queue.Producing;
using Resilient.Redis.Queue.Storage;
using Resilient.Redis.Queue.Worker;

namespace Resilient.Redis.Queue.Registration;

/// <summary>What the services of one queue have in common, made once by the container.</summary>
internal sealed class QueueParts : IAsyncDisposable, IDisposable
{
    /// <summary>Two samples may fail; what is older says nothing of now, and no gauge shows it.</summary>
    private static readonly TimeSpan s_fresh = TimeSpan.FromSeconds(30);

    public QueueParts(QueueRegistration queue, IServiceProvider provider)
    {
        Queue = queue;
        Options = provider.GetRequiredService<IOptionsMonitor<JobQueueOptions>>().Get(queue.Name);
        var backend = provider.GetRequiredService<QueueBackend>();
        Redis = backend.RedisOf(queue);
        Time = provider.GetRequiredService<TimeProvider>();
        Serializer = new JobSerializer(Options.SerializerOptions);
        var replaced = provider.GetKeyedService<JobStore>(queue.Name);
        Store = replaced ?? backend.StoreOf(queue, Options);
        Durability = replaced is null ? backend.DurabilityOf(queue, Options) : null;
        Writer = new JobWriter(queue.Name, Options, Serializer, queue.JobNames, Time);
        Direct = new RedisJobQueue(queue.Name, Store, Writer, Serializer, Redis.TotalTimeout, Time, Durability);
        Pulse = new WorkerPulse(Time, Options.Lease);
        Sampler = new QueueSampler(Store, Time);
        Dangers = provider.GetRequiredKeyedService<DangerWatch>(queue.Connection);
        Telemetry = new QueueTelemetry(
            provider.GetRequiredService<QueueMeter>(), queue.Name, name => queue.Handlers.Find(name) is not null, () => Sampler.Age < s_fresh ? Sampler.Last?.Counts : null, Time);
    }

    public QueueRegistration Queue { get; }

    public JobQueueOptions Options { get; }

    public IResilientRedis Redis { get; }

    public TimeProvider Time { get; }

    public JobSerializer Serializer { get; }

    public JobStore Store { get; }

    public WorkerPulse Pulse { get; }

    /// <summary>Of use only where a worker runs.</summary>
    public QueueSampler Sampler { get; }

    /// <summary>One for all queues of the connection.</summary>
    public DangerWatch Dangers { get; }

    public QueueTelemetry Telemetry { get; }

    public JobWriter Writer { get; }

    /// <summary>Without retries.</summary>
    public RedisJobQueue Direct { get; }

    /// <summary>Null where nothing is asked for.</summary>
    private Durability? Durability { get; }

    public JobQueueAdmin MakeAdmin() => new(Queue.Name, Store, Serializer, Time);

    public IJobQueue MakeQueue() => new ObservedQueue(new SafeQueue(Direct, Redis, Time), Telemetry, Time);

    public ValueTask DisposeAsync() => Durability?.DisposeAsync() ?? default;

    public void Dispose() => Durability?.Dispose();
}
