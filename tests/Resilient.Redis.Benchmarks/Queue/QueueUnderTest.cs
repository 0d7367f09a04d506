using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Resilient.Redis.Queue;
using Resilient.Redis.TestKit;
using StackExchange.Redis;

namespace Resilient.Redis.Benchmarks.Queue;

/// <summary>A whole application as a user would write it, with one queue.</summary>
internal sealed class QueueUnderTest : IAsyncDisposable
{
    private const int MostInOneCall = 1000;

    private readonly IHost _host;
    private readonly ConnectionMultiplexer _beside;
    private readonly bool _hasWorker;

    private QueueUnderTest(IHost host, ConnectionMultiplexer beside, Runs runs, bool hasWorker)
    {
        (_host, _beside, Runs, _hasWorker) = (host, beside, runs, hasWorker);
        Queue = host.Services.GetRequiredService<IJobQueue>();
        Admin = host.Services.GetRequiredService<IJobQueueAdmin>();
        Redis = host.Services.GetRequiredService<IResilientRedis>();
    }

    public IJobQueue Queue { get; }

    public IJobQueueAdmin Admin { get; }

    public IResilientRedis Redis { get; }

    public Runs Runs { get; }

    public static async Task<QueueUnderTest> StartAsync(TestServer server, Action<JobWorkerOptions>? worker = null, Func<Task>? work = null, Action<JobQueueOptions>? configure = null)
    {
        var runs = new Runs(work);
        var builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.SetMinimumLevel(LogLevel.Error).AddSimpleConsole();
        builder.Services.AddSingleton(runs);
        var queue = builder.Services
            .AddResilientRedis(redis => (redis.ConnectionString, redis.AttemptTimeout, redis.TotalTimeout) = (server.Endpoint, TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(60)))
            .AddQueue("bench", options =>
            {
                options.SerializerOptions = BenchJson.Default.Options;
                configure?.Invoke(options);
            })
            .AddHandler<BenchJob, BenchHandler>();
        if (worker is not null)
            queue.AddWorker(worker);
        var host = builder.Build();
        await host.StartAsync();
        return new QueueUnderTest(host, await server.ConnectAsync(), runs, worker is not null);
    }

    public async Task FillAsync(int jobs, EnqueueOptions? options = null)
    {
        var part = Enumerable.Repeat(BenchJob.Instance, MostInOneCall).ToArray();
        for (var left = jobs; left > 0; left -= MostInOneCall)
            await Queue.EnqueueManyAsync(left >= MostInOneCall ? part : part[..left], options);
    }

    /// <summary>Awaits that all has been settled, not only handled.</summary>
    public async Task SettledAsync()
    {
        while (true)
        {
            var counts = await Admin.CountAsync();
            if (counts.Waiting + counts.Active == 0)
                return;
            await Task.Delay(1);
        }
    }

    /// <summary>Everything but the settings of a queue whose worker lives.</summary>
    public async Task ClearAsync()
    {
        var server = _beside.GetServers()[0];
        await server.FlushDatabaseAsync();

        // A worker that Redis has forgotten is not rung for: the next round would begin with its next poll, a second later.
        while (_hasWorker && !server.Keys(pattern: "*:idle").Any())
            await Task.Delay(10);
    }

    public ValueTask<long> CallsAsync() => ServerCounts.CallsAsync(_beside);

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
        await _beside.DisposeAsync();
    }
}
