using System.Diagnostics;
using Resilient.Redis.TestKit;
using StackExchange.Redis;

namespace Resilient.Redis.Benchmarks;

/// <summary>What a call through IResilientRedis costs over the driver's own, and what the pool does for small values beside large ones.</summary>
internal static class ConnectionRows
{
    private const string Small = "small";
    private const string Large = "large";
    private const int LargeBytes = 5_000_000;
    private const int LargeReaders = 4;

    private static readonly TimeSpan s_window = TimeSpan.FromSeconds(1.5);

    public static async Task RunAsync(TestServer server, Bench bench, bool onlyLarge)
    {
        await using var beside = await server.ConnectAsync();
        await beside.GetDatabase().StringSetAsync(Small, new byte[100]);
        await beside.GetDatabase().StringSetAsync(Large, new byte[LargeBytes]);

        if (!onlyLarge)
            await SmallAsync(server, bench);
        Cores.Unpin();
        await LargeBesideSmallAsync(server, bench);
    }

    private static async Task SmallAsync(TestServer server, Bench bench)
    {
        await using var redis = Create(server, null);
        await redis.GetConnectionAsync();
        await using var raw = await ConnectionMultiplexer.ConnectAsync($"{server.Endpoint},abortConnect=false");
        using var source = new CancellationTokenSource();
        var token = source.Token;

        await bench.CompareAsync("get-1", "awaited GET, one at a time", 40_000, n => OursAsync(redis, n, 1, default), n => RawAsync(raw, n, 1, default));
        await bench.CompareAsync("get-1-token", "awaited GET, one at a time, cancellable", 40_000, n => OursAsync(redis, n, 1, token), n => RawAsync(raw, n, 1, default));
        await bench.CompareAsync("get-8", "8 callers", 100_000, n => OursAsync(redis, n, 8, default), n => RawAsync(raw, n, 8, default));
        await bench.CompareAsync("get-64", "64 callers", 400_000, n => OursAsync(redis, n, 64, default), n => RawAsync(raw, n, 64, default));
        await bench.CompareAsync("get-64-token", "64 callers, cancellable", 400_000, n => OursAsync(redis, n, 64, token), n => RawAsync(raw, n, 64, token));
        await PoolSizesAsync(server, bench);
    }

    /// <summary>The default pool against one connection, and against pools that are open to their full size from the start.</summary>
    private static async Task PoolSizesAsync(TestServer server, Bench bench)
    {
        await using var one = Create(server, 1);
        await one.GetConnectionAsync();
        await using var adaptive = Create(server, null);
        await adaptive.GetConnectionAsync();
        await bench.CompareAsync("pool-default", "64 callers: default pool against one connection", 400_000, n => OursAsync(adaptive, n, 64, default), n => OursAsync(one, n, 64, default));
        foreach (var size in (int[])[2, 4, 10])
        {
            var connections = new IDatabase[size];
            var multiplexers = new List<ConnectionMultiplexer>();
            for (var i = 0; i < size; i++)
            {
                multiplexers.Add(await ConnectionMultiplexer.ConnectAsync($"{server.Endpoint},abortConnect=false"));
                connections[i] = multiplexers[i].GetDatabase();
            }

            await bench.CompareAsync(
                $"pool-{size}", $"64 callers: {size} raw connections in turn against one", 400_000,
                n => ConcurrentlyAsync(64, n, caller => connections[caller % size].StringGetAsync(Small)),
                n => ConcurrentlyAsync(64, n, _ => connections[0].StringGetAsync(Small)));
            foreach (var multiplexer in multiplexers)
                await multiplexer.DisposeAsync();
        }
    }

    private static async Task LargeBesideSmallAsync(TestServer server, Bench bench)
    {
        await using var pool = Create(server, null);
        await using var one = await ConnectionMultiplexer.ConnectAsync($"{server.Endpoint},abortConnect=false,asyncTimeout=10000");
        var db = one.GetDatabase();
        await bench.CompareAsync(
            "large", $"small GETs beside {LargeReaders} readers of 5 MB: default pool against one raw connection", "ms",
            () => BesideLargeAsync(
                () => pool.ExecuteAsync(static db => db.StringGetLeaseAsync(Large), RetrySafety.Idempotent).AsTask(),
                () => pool.ExecuteAsync(static db => db.StringGetAsync(Small), RetrySafety.Idempotent).AsTask()),
            () => BesideLargeAsync(() => db.StringGetLeaseAsync(Large), () => db.StringGetAsync(Small)),
            ["p50", "p99", "ms a large one"]);
    }

    private static async Task<double[]> BesideLargeAsync(Func<Task<Lease<byte>?>> large, Func<Task<RedisValue>> small)
    {
        using var stop = new CancellationTokenSource(s_window);
        var count = 0;
        var readers = Enumerable.Range(0, LargeReaders).Select(_ => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                (await large())?.Dispose();
                Interlocked.Increment(ref count);
            }
        })).ToArray();
        var times = new List<double>();
        while (!stop.IsCancellationRequested)
        {
            var began = Stopwatch.GetTimestamp();
            await small();
            times.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
            await Task.Delay(1);
        }

        await Task.WhenAll(readers);
        times.Sort();
        return [times[times.Count / 2], times[(int)(times.Count * 0.99)], s_window.TotalMilliseconds / count];
    }

    private static ResilientRedis Create(TestServer server, int? poolSize) =>
        ResilientRedis.Create(new() { ConnectionString = server.Endpoint, PoolSize = poolSize, AttemptTimeout = TimeSpan.FromSeconds(10), TotalTimeout = TimeSpan.FromSeconds(30) });

    private static Task OursAsync(ResilientRedis redis, int operations, int callers, CancellationToken token) =>
        callers == 1 ? OneOursAsync(redis, operations, token) : Task.WhenAll(Enumerable.Range(0, callers).Select(_ => Task.Run(() => OneOursAsync(redis, operations / callers, token))));

    private static async Task OneOursAsync(ResilientRedis redis, int operations, CancellationToken token)
    {
        for (var i = 0; i < operations; i++)
            await redis.ExecuteAsync(static (db, key) => db.StringGetAsync(key), (RedisKey)Small, RetrySafety.Idempotent, token);
    }

    private static Task RawAsync(ConnectionMultiplexer raw, int operations, int callers, CancellationToken token)
    {
        var db = raw.GetDatabase();
        return callers == 1 ? OneRawAsync(db, operations, token) : Task.WhenAll(Enumerable.Range(0, callers).Select(_ => Task.Run(() => OneRawAsync(db, operations / callers, token))));
    }

    private static async Task OneRawAsync(IDatabase db, int operations, CancellationToken token)
    {
        for (var i = 0; i < operations; i++)
            await (token.CanBeCanceled ? db.StringGetAsync(Small).WaitAsync(token) : db.StringGetAsync(Small));
    }

    private static Task ConcurrentlyAsync(int callers, int operations, Func<int, Task<RedisValue>> call) =>
        Task.WhenAll(Enumerable.Range(0, callers).Select(caller => Task.Run(async () =>
        {
            for (var i = 0; i < operations / callers; i++)
                await call(caller);
        })));
}
