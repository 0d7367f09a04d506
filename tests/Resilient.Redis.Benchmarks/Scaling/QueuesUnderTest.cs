using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Resilient.Redis.Benchmarks.Queue;
using Resilient.Redis.Queue;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Benchmarks.Scaling;

/// <summary>One process of an application with several queues on a cluster: it produces, and works them all off.</summary>
internal sealed class QueuesUnderTest : IAsyncDisposable
{
    private const int Concurrency = 64;
    private const int Prefetch = 1000;

    // An ended job is remembered for as long as repeats may come: four leases, and for as long as a call may take.
    private static readonly TimeSpan s_shortestLease = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan s_callTimeout = TimeSpan.FromSeconds(12);
    private static readonly TimeSpan s_attemptTimeout = TimeSpan.FromSeconds(5);

    private readonly IHost _host;
    private readonly Runs _runs;
    private readonly IJobQueueAdmin[] _admins;

    private QueuesUnderTest(IHost host, Runs runs, IEnumerable<string> names)
    {
        (_host, _runs) = (host, runs);
        _admins = [.. names.Select(name => host.Services.GetRequiredKeyedService<IJobQueueAdmin>(name))];
    }

    /// <summary>How long an ended job is there at the least, on time that only a worker's looks move.</summary>
    public static TimeSpan ShortestMemory => 4 * s_shortestLease;

    public IServiceProvider Services => _host.Services;

    /// <summary>Paused: nothing is handed out yet.</summary>
    public static async Task<QueuesUnderTest> StartAsync(RedisCluster cluster, Load load)
    {
        var runs = new Runs(null);
        var builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.SetMinimumLevel(LogLevel.Warning).AddSimpleConsole();
        builder.Services.AddSingleton(runs);
        var redis = builder.Services.AddResilientRedis(
            redis => (redis.ConnectionString, redis.AttemptTimeout, redis.TotalTimeout) = (cluster.ConnectionString, s_attemptTimeout, s_callTimeout));
        IJobQueueBuilder[] queues = [.. load.Queues.Select(name => redis.AddQueue(name, options => Configure(options, load)).AddHandler<BenchJob, BenchHandler>())];
        foreach (var queue in load.OneWorker ? queues[..1] : queues)
            queue.AddWorker(worker => (worker.Concurrency, worker.Prefetch) = (Concurrency, load.OneWorker ? 0 : Prefetch));
        foreach (var other in load.OneWorker ? queues[1..] : [])
            queues[0].AlsoServing(other.Name, weight: 1);

        var host = builder.Build();
        await host.StartAsync();
        var queuesUnderTest = new QueuesUnderTest(host, runs, load.Queues);
        await queuesUnderTest.PauseAsync();
        return queuesUnderTest;
    }

    public Task PauseAsync() => Task.WhenAll(_admins.Select(admin => admin.PauseAsync().AsTask()));

    /// <summary>From resuming until the last settlement.</summary>
    public async Task DrainAsync(int jobs)
    {
        var done = _runs.NextAsync(jobs);
        await Task.WhenAll(_admins.Select(admin => admin.ResumeAsync().AsTask()));
        await done;
        foreach (var admin in _admins)
        {
            while (await admin.CountAsync() is { Waiting: > 0 } or { Active: > 0 })
                await Task.Delay(1);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
    }

    private static void Configure(JobQueueOptions options, Load load)
    {
        options.SerializerOptions = BenchJson.Default.Options;
        if (load.BesideForgetting)
            (options.Lease, options.ResultRetention) = (s_shortestLease, TimeSpan.Zero);
    }
}
