using Resilient.Redis.Queue;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Benchmarks.Queue;

/// <summary>What a producer pays.</summary>
internal static class EnqueueRows
{
    private const int Many = 1000;

    public static async Task RunAsync(TestServer server, Bench bench)
    {
        await using var ours = await QueueUnderTest.StartAsync(server);
        await using var connection = await server.ConnectAsync();
        var raw = new RawQueue(connection);

        foreach (var pinning in (Pinning[])[Pinning.CoreEach, Pinning.OneCore])
        {
            Cores.Pin(server, pinning);
            await bench.CompareAsync($"enqueue-1{Cores.Suffix(pinning)}", $"enqueue, awaited one by one{Cores.Text(pinning)}", 20_000, Ours(ours, n => OneByOneAsync(ours.Queue, n)), Raw(ours, n => OneByOneAsync(raw, n)));
        }

        Cores.Pin(server, Pinning.CoreEach);
        await bench.CompareAsync("enqueue-64", "enqueue, 64 callers", 100_000, Ours(ours, n => FromAsync(64, n, count => OneByOneAsync(ours.Queue, count))), Raw(ours, n => FromAsync(64, n, count => OneByOneAsync(raw, count))));
        await bench.CompareAsync("enqueue-many", "EnqueueManyAsync of 1,000 against calls of 100", 100_000, Ours(ours, n => ManyAsync(ours.Queue, n)), Raw(ours, n => ManyAsync(raw, n)));
    }

    private static Work Ours(QueueUnderTest queue, Func<int, Task> run) => new(run, CleanUp: queue.ClearAsync, Calls: () => queue.CallsAsync().AsTask());

    private static Work Raw(QueueUnderTest queue, Func<int, Task> run) => new(run, CleanUp: queue.ClearAsync);

    private static Task FromAsync(int callers, int jobs, Func<int, Task> caller) =>
        Task.WhenAll(Enumerable.Range(0, callers).Select(_ => Task.Run(() => caller(jobs / callers))));

    private static async Task OneByOneAsync(IJobQueue queue, int jobs)
    {
        for (var i = 0; i < jobs; i++)
            await queue.EnqueueAsync(BenchJob.Instance);
    }

    private static async Task OneByOneAsync(RawQueue raw, int jobs)
    {
        for (var i = 0; i < jobs; i++)
            await raw.EnqueueAsync();
    }

    private static async Task ManyAsync(IJobQueue queue, int jobs)
    {
        var part = Enumerable.Repeat(BenchJob.Instance, Many).ToArray();
        for (var i = 0; i < jobs / Many; i++)
            await queue.EnqueueManyAsync(part);
    }

    /// <summary>As many jobs under way at once as in ours.</summary>
    private static async Task ManyAsync(RawQueue raw, int jobs)
    {
        for (var i = 0; i < jobs / Many; i++)
            await Task.WhenAll(Enumerable.Range(0, Many / RawQueue.Batch).Select(_ => raw.EnqueueBatchAsync()));
    }
}
