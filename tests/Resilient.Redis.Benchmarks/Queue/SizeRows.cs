using System.Diagnostics;
using System.Globalization;
using Resilient.Redis.Queue;
using Resilient.Redis.TestKit;
using StackExchange.Redis;

namespace Resilient.Redis.Benchmarks.Queue;

/// <summary>What many jobs cost: memory while they wait, time when the line is long, and the server while thousands run.</summary>
internal static class SizeRows
{
    private const int MemoryJobs = 200_000;
    private const int Short = 1_000;
    private const int Long = 1_000_000;
    private const int Scheduled = 100_000;
    private const int Active = 10_000;
    private const int DrainedOfLong = 50_000;

    private static readonly TimeSpan s_watch = TimeSpan.FromSeconds(12);

    public static async Task MemoryAsync(TestServer server, Bench bench)
    {
        await using var ours = await QueueUnderTest.StartAsync(server);
        await using var connection = await server.ConnectAsync();
        var raw = new RawQueue(connection);
        await ours.ClearAsync();
        var empty = await ServerCounts.UsedMemoryAsync(connection);
        await ours.FillAsync(MemoryJobs);
        var withOurs = (await ServerCounts.UsedMemoryAsync(connection) - empty) / (double)MemoryJobs;
        await ours.ClearAsync();
        empty = await ServerCounts.UsedMemoryAsync(connection);
        for (var i = 0; i < MemoryJobs / RawQueue.Batch; i++)
            await raw.EnqueueBatchAsync();
        var withRaw = (await ServerCounts.UsedMemoryAsync(connection) - empty) / (double)MemoryJobs;
        await ours.ClearAsync();
        bench.Add(new Result("memory", $"used_memory of a waiting job over its {BenchJob.Bytes} bytes; raw: a hash", "bytes", withOurs - BenchJob.Bytes, withRaw - BenchJob.Bytes, (withRaw - BenchJob.Bytes) / (withOurs - BenchJob.Bytes), 0));
    }

    /// <summary>Ours is the long line, "raw" the short one: above 0.9 is within 10 %.</summary>
    public static async Task DepthAsync(TestServer server, Bench bench, int prefetch)
    {
        Cores.Pin(server, Pinning.CoreEach);
        await using var deep = await QueueUnderTest.StartAsync(server, worker => (worker.Concurrency, worker.Prefetch) = (64, prefetch));
        await using var shallow = await QueueUnderTest.StartAsync(server, worker => (worker.Concurrency, worker.Prefetch) = (64, prefetch), configure: options => options.KeyPrefix = "short");
        await deep.ClearAsync();
        await deep.Admin.PauseAsync();
        await shallow.Admin.PauseAsync();
        await deep.FillAsync(Long);
        await deep.FillAsync(Scheduled, new EnqueueOptions { Delay = TimeSpan.FromHours(10) });
        await shallow.FillAsync(Short);
        await bench.CompareAsync(
            "depth-enqueue", $"enqueue at {Long:N0} waiting and {Scheduled:N0} scheduled against {Short:N0} waiting", 10_000,
            n => EnqueueAsync(deep.Queue, n), n => EnqueueAsync(shallow.Queue, n));
        await bench.CompareAsync(
            "depth-drain", $"drain {DrainedOfLong:N0} of a line of {Long:N0} against a line of as many", DrainedOfLong,
            DrainSome(deep), DrainSome(shallow));
        await deep.ClearAsync();
    }

    /// <summary>Server time of heartbeats while one worker holds many leases.</summary>
    public static async Task LeasesAsync(TestServer server, Bench bench)
    {
        using var release = new CancellationTokenSource();
        await using var connection = await server.ConnectAsync();
        var node = connection.GetServers()[0];
        var token = release.Token;
        await using var ours = await QueueUnderTest.StartAsync(server, worker => (worker.Concurrency, worker.Prefetch, worker.ShutdownGrace) = (Active, 0, TimeSpan.Zero), () => WaitAsync(token));
        await ours.FillAsync(Active);
        while ((await ours.Admin.CountAsync()).Active < Active)
            await Task.Delay(50);
        await connection.GetDatabase().ExecuteAsync("CONFIG", "SET", "slowlog-log-slower-than", "500");
        await node.SlowlogResetAsync();
        var before = await ServerCounts.ScriptMicrosecondsAsync(connection);
        var began = Stopwatch.GetTimestamp();
        await Task.Delay(s_watch);
        var share = (await ServerCounts.ScriptMicrosecondsAsync(connection) - before) / Stopwatch.GetElapsedTime(began).TotalMicroseconds;
        var worst = (await node.SlowlogGetAsync(1000)).Select(entry => entry.Duration.TotalMilliseconds).DefaultIfEmpty(0.5).Max();
        await connection.GetDatabase().ExecuteAsync("CONFIG", "SET", "slowlog-log-slower-than", "10000");
        var active = (await ours.Admin.CountAsync()).Active;
        bench.Add(new Result("leases-share", string.Create(CultureInfo.InvariantCulture, $"{active:N0} active jobs in one worker: share of the server that heartbeats take; at most 2 %"), "%", share * 100, 2, 2 / (share * 100), 0));
        bench.Add(new Result("leases-worst", "the same: longest single call; at most 5 ms", "ms", worst, 5, 5 / worst, 0));
        await release.CancelAsync();
        await ours.ClearAsync();
    }

    private static async Task WaitAsync(CancellationToken token)
    {
        var over = new TaskCompletionSource();
        await using var registration = token.Register(over.SetResult);
        await over.Task;
    }

    private static async Task EnqueueAsync(IJobQueue queue, int jobs)
    {
        for (var i = 0; i < jobs; i++)
            await queue.EnqueueAsync(BenchJob.Instance);
    }

    private static Work DrainSome(QueueUnderTest queue) => new(
        async jobs =>
        {
            var done = queue.Runs.NextAsync(jobs);
            await queue.Admin.ResumeAsync();
            await done;
            await queue.Admin.PauseAsync();
        },
        jobs => queue.FillAsync(jobs));
}
