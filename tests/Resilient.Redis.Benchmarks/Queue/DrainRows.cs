using Resilient.Redis.Queue;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Benchmarks.Queue;

/// <summary>What a worker process gets through.</summary>
internal static class DrainRows
{
    private const int Jobs = 100_000;
    private const int Loops = 4;
    private const int Concurrency = 64;

    public static async Task RunAsync(TestServer server, Bench bench, int prefetch)
    {
        Cores.Pin(server, Pinning.CoreEach);
        await using var connection = await server.ConnectAsync();
        var raw = new RawQueue(connection);

        await using (var ours = await QueueUnderTest.StartAsync(server, worker => (worker.Concurrency, worker.Prefetch) = (Concurrency, prefetch)))
        {
            await bench.CompareAsync(
                "drain", $"drain {Jobs:N0} no-op jobs (concurrency {Concurrency}, prefetch {prefetch}) against {Loops} raw loops of {RawQueue.Batch}", Jobs,
                Drain(ours), new Work(_ => raw.DrainAsync(Loops), n => FillAsync(raw, n), ours.ClearAsync));
            await bench.CompareAsync(
                "promises", "the same against one raw loop that pops and forgets: what the promises cost", Jobs,
                Drain(ours), new Work(_ => raw.DrainAsync(1), n => FillAsync(raw, n), ours.ClearAsync));
        }

        await using (var ours = await QueueUnderTest.StartAsync(server, worker => (worker.Concurrency, worker.Prefetch) = (Concurrency, prefetch), () => Task.Delay(1)))
        {
            await bench.CompareAsync(
                "drain-1ms", $"drain jobs of 1 ms, concurrency {Concurrency}, against {Concurrency} bare loops", 50_000,
                Drain(ours), new Work(n => Task.WhenAll(Enumerable.Range(0, Concurrency).Select(_ => Task.Run(() => BareAsync(n / Concurrency))))));
        }
    }

    /// <summary>Paused while it is filled; from resuming to the last settlement.</summary>
    public static Work Drain(QueueUnderTest ours) => new(
        async jobs =>
        {
            var done = ours.Runs.NextAsync(jobs);
            await ours.Admin.ResumeAsync();
            await done;
            await ours.SettledAsync();
        },
        async jobs =>
        {
            await ours.Admin.PauseAsync();
            await ours.FillAsync(jobs);
        },
        ours.ClearAsync,
        () => ours.CallsAsync().AsTask());

    private static async Task BareAsync(int jobs)
    {
        for (var i = 0; i < jobs; i++)
            await Task.Delay(1);
    }

    private static async Task FillAsync(RawQueue raw, int jobs)
    {
        for (var i = 0; i < jobs / RawQueue.Batch; i++)
            await raw.EnqueueBatchAsync();
    }
}
