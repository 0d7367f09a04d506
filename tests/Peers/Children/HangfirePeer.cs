using System.Globalization;
using Hangfire;
using Hangfire.Redis.StackExchange;
using Hangfire.Storage;
using Resilient.Redis.Benchmarks.Queue;

namespace Resilient.Redis.Peers.Children;

/// <summary>Hangfire with the settings that its documentation recommends, on its Redis storage with that one's defaults.</summary>
internal sealed class HangfirePeer : IPeer
{
    private static readonly TimeSpan s_stop = TimeSpan.FromSeconds(1);

    private readonly BackgroundJobClient _client;
    private readonly IMonitoringApi _monitoring;
    private readonly int _slots;
    private BackgroundJobServer? _server;

    public HangfirePeer(int port, int slots, Handler handler)
    {
        Runs = new Runs(handler.RunAsync);
        HangfireJob.Runs = Runs;
        _slots = slots;
        GlobalConfiguration.Configuration
            .SetDataCompatibilityLevel(CompatibilityLevel.Version_180)
            .UseSimpleAssemblyNameTypeSerializer()
            .UseRecommendedSerializerSettings()
            .UseRedisStorage(string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port}"), new RedisStorageOptions { Db = Contender.Hangfire.Database });
        _client = new BackgroundJobClient();
        _monitoring = JobStorage.Current.GetMonitoringApi();
    }

    public Runs Runs { get; }

    /// <summary>It has no asynchronous enqueue: the caller's thread waits for Redis.</summary>
    public Task EnqueueAsync(int jobs)
    {
        for (var i = 0; i < jobs; i++)
            _client.Enqueue(() => HangfireJob.RunAsync(BenchJob.Instance));
        return Task.CompletedTask;
    }

    /// <summary>A thread each, since each call blocks one.</summary>
    public Task EnqueueFromAsync(IEnumerable<int> callers) => Task.WhenAll(callers.Select(jobs =>
        Task.Factory.StartNew(() => EnqueueAsync(jobs), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)));

    /// <summary>It has no call for several jobs: many callers are its quickest way.</summary>
    public Task EnqueueManyAsync(int jobs) => EnqueueFromAsync(Row.Shares(jobs));

    /// <summary>It cannot pause: its server ends, and another one starts.</summary>
    public Task HoldAsync()
    {
        _server?.SendStop();
        _server?.WaitForShutdown(s_stop);
        _server = null;
        return Task.CompletedTask;
    }

    public Task ReleaseAsync()
    {
        _server ??= new BackgroundJobServer(new BackgroundJobServerOptions { WorkerCount = _slots });
        return Task.CompletedTask;
    }

    public async Task SettledAsync()
    {
        while (_monitoring.EnqueuedCount("default") + _monitoring.FetchedCount("default") > 0)
            await Task.Delay(1);
    }
}

/// <summary>A public static method is what Hangfire can call.</summary>
internal static class HangfireJob
{
    public static Runs? Runs { get; set; }

    public static Task RunAsync(BenchJob job) => Runs!.RunAsync();
}
