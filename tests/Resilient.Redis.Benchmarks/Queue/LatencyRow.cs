using System.Diagnostics;
using Resilient.Redis.Queue;
using Resilient.Redis.TestKit;
using StackExchange.Redis;

namespace Resilient.Redis.Benchmarks.Queue;

/// <summary>From the enqueue call to the start of the handler, the worker idle.</summary>
internal static class LatencyRow
{
    private const int Jobs = 500;
    private const string Doorbell = "raw:bell";

    public static async Task RunAsync(TestServer server, Bench bench)
    {
        Cores.Pin(server, Pinning.CoreEach);
        TaskCompletionSource<long>? started = null;
        await using var ours = await QueueUnderTest.StartAsync(server, worker => worker.Concurrency = 4, () =>
        {
            Volatile.Read(ref started)?.TrySetResult(Stopwatch.GetTimestamp());
            return Task.CompletedTask;
        });
        await using var raw = await server.ConnectAsync();
        await using var rawWorker = await server.ConnectAsync();
        var database = rawWorker.GetDatabase();
        await rawWorker.GetSubscriber().SubscribeAsync(RedisChannel.Literal(Doorbell), async void (_, _) =>
        {
            await database.ScriptEvaluateAsync("local id = redis.call('RPOP', KEYS[1]) return id and redis.call('HGET', 'raw:' .. id, 'd')", ["raw:list"]);
            Volatile.Read(ref started)?.TrySetResult(Stopwatch.GetTimestamp());
        });

        await bench.CompareAsync("latency", "enqueue call to handler start, idle worker; raw: script + PUBLISH, subscriber runs a script", "ms", () => MeasureAsync(() => ours.Queue.EnqueueAsync(BenchJob.Instance).AsTask()), () => MeasureAsync(RawAsync), ["p50", "p99"]);

        async Task<double[]> MeasureAsync(Func<Task> enqueue)
        {
            var times = new List<double>(Jobs);
            for (var i = 0; i < Jobs; i++)
            {
                var run = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously);
                Volatile.Write(ref started, run);
                var began = Stopwatch.GetTimestamp();
                await enqueue();
                times.Add(Stopwatch.GetElapsedTime(began, await run.Task).TotalMilliseconds);
                await Task.Delay(2); // both workers are idle again
            }

            times.Sort();
            return [times[times.Count / 2], times[(int)(times.Count * 0.99)]];
        }

        Task RawAsync() => raw.GetDatabase().ScriptEvaluateAsync(
            "redis.call('HSET', 'raw:' .. ARGV[2], 'd', ARGV[1]) redis.call('LPUSH', KEYS[1], ARGV[2]) redis.call('PUBLISH', KEYS[2], '1')",
            ["raw:list", Doorbell], [new byte[BenchJob.Bytes], Guid.NewGuid().ToString("N")]);
    }
}
