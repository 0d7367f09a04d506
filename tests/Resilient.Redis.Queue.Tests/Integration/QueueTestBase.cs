using Microsoft.Extensions.DependencyInjection;
using Resilient.Redis.Queue.Testing;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Integration;

/// <summary>A test with keys of its own, and hosts on either server, or in memory, that share them.</summary>
public abstract class QueueTestBase(BothServers servers) : IClassFixture<BothServers>
{
    protected static readonly TimeSpan Soon = TimeSpan.FromSeconds(15);

    private readonly string _prefix = "t:" + Guid.NewGuid().ToString("N");
    private readonly InMemoryJobQueues _memory = new();

    /// <summary>The first part of this test's keys.</summary>
    internal string Prefix => _prefix;

    /// <summary>What the handlers of this test do.</summary>
    internal Script Script { get; } = new();

    internal Task<QueueHost> StartAsync(ServerKind kind, Action<JobWorkerOptions>? worker = null, Action<JobQueueOptions>? options = null) =>
        StartWithAsync(kind, queue => queue.AddHandler<DoJob, DoHandler>().AddWorker(worker), options);

    internal async Task<string> EndpointAsync(ServerKind kind) => kind == ServerKind.InMemory ? $"127.0.0.1:{Ports.Free()}" : (await servers.ServerAsync(kind)).Endpoint;

    internal Task<QueueHost> StartProducerAsync(ServerKind kind, Action<JobQueueOptions>? options = null) =>
        StartWithAsync(kind, _ => { }, options);

    internal async Task<QueueHost> StartWithAsync(ServerKind kind, Action<IJobQueueBuilder> queue, Action<JobQueueOptions>? options = null) =>
        await QueueHost.StartAsync(
            await EndpointAsync(kind),
            builder =>
            {
                builder.Services.AddSingleton(Script);
                queue(builder);
                if (kind == ServerKind.InMemory)
                    builder.Services.UseInMemoryJobQueues(_memory);
            },
            o =>
            {
                o.KeyPrefix = _prefix;
                o.BackoffBase = TimeSpan.FromMilliseconds(50);
                options?.Invoke(o);
            });

    internal static async Task<JobInfo> StateAsync(QueueHost host, JobId id, JobState wanted)
    {
        JobInfo? job = null;
        await Eventually.TrueAsync(
            async () => (job = await host.Queue.GetAsync(id))?.State == wanted, Soon, () => $"job {id} is {job?.State.ToString() ?? "unknown"} ({job?.Error}), wanted {wanted}");
        return job!;
    }
}
