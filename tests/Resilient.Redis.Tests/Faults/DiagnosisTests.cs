using Resilient.Redis.TestKit;

namespace Resilient.Redis.Tests.Faults;

/// <summary>A time-out says what it was. The starved thread pool has its own tests.</summary>
public sealed class DiagnosisTests
{
    [Fact]
    public async Task Slow_server_is_told_by_the_replies_that_came_late()
    {
        await using var server = await TestServer.StartAsync();
        await using var proxy = FaultProxy.Start(server);
        await using var redis = Testing.Create(proxy.Endpoint, o => o.PoolSize = 1);
        await redis.PingAsync();
        proxy.Delay = 0.7 * Testing.Attempt;
        using var stop = new CancellationTokenSource();
        var load = LoadAsync(redis, stop.Token);

        var error = await UntilToldAsync(redis, "server slow: ");

        error.Should().MatchRegex(@"no reply within 1 s: server slow: \d+ repl(y|ies) came on connection 0 meanwhile, the last PING that was answered took [\d.]+ ms").And.Contain("SLOWLOG");
        await stop.CancelAsync();
        await load;
    }

    [NeedsRedisServerFact("only a process of its own can be stopped by a signal")]
    public async Task Frozen_server_is_told_by_the_silence_and_its_confirmed_packets()
    {
        await using var server = await RedisServer.StartAsync();
        await using var redis = Testing.Create(server.Endpoint, o => o.PoolSize = 1);
        await redis.PingAsync();
        server.Freeze();

        var (error, _) = await Testing.FailsAsync<RedisUnavailableException>(() => redis.IncrementAsync("n", RetrySafety.Never));

        error.Message.Should().MatchRegex(@"server slow or connection dead: not a byte came on connection 0 for [\d.]+ s, although its side confirmed what was sent");
    }

    [Fact]
    public async Task Dead_connection_is_told()
    {
        await using var server = await TestServer.StartAsync();
        await using var proxy = FaultProxy.Start(server);
        await using var redis = Testing.Create(proxy.Endpoint, o => o.PoolSize = 1);
        await redis.PingAsync();
        proxy.Silence();

        // The watchdog and the driver's time-out find it at about the same time, and each says so.
        var (error, _) = await Testing.FailsAsync<RedisUnavailableException>(() => redis.IncrementAsync("n", RetrySafety.Never));

        error.Message.Should().Contain("connection dead: ");
    }

    [Fact]
    public async Task Large_payload_ahead_is_told_with_its_size()
    {
        await using var server = await TestServer.StartAsync();
        await using var beside = await server.ConnectAsync();
        await beside.GetDatabase().StringSetAsync("large", new byte[32 << 20]);
        await using var proxy = FaultProxy.Start(server);
        await using var redis = Testing.Create(proxy.Endpoint, o => o.PoolSize = 1);
        await redis.PingAsync();
        proxy.ReplyBytesPerSecond = 8 << 20;
        var large = redis.ExecuteAsync(static db => db.StringGetAsync("large"), RetrySafety.Never).AsTask();

        var (error, _) = await Testing.FailsAsync<RedisUnavailableException>(() => redis.IncrementAsync("n", RetrySafety.Never));

        error.Message.Should().MatchRegex(@"large payload ahead in the pipe: [\d.]+ MiB came in on connection 0 meanwhile").And.Contain("Split large values");
        await Testing.FailsAsync<RedisUnavailableException>(() => large);
    }

    [Fact]
    public async Task Never_connected_is_told()
    {
        await using var redis = Testing.Create($"127.0.0.1:{Ports.Free()}");

        var (error, _) = await Testing.FailsAsync<RedisUnavailableException>(() => redis.IncrementAsync("n", RetrySafety.Idempotent));

        error.Message.Should().MatchRegex(@"never connected, tried since \d\d:\d\d:\d\dZ \([\d.]+ s\): nobody listens there");
        error.MayHaveExecuted.Should().BeFalse();
    }

    private static async Task<string> UntilToldAsync(ResilientRedis redis, string finding)
    {
        var last = "";
        await Eventually.TrueAsync(
            async () =>
            {
                var (error, _) = await Testing.FailsAsync<RedisUnavailableException>(() => redis.IncrementAsync("n", RetrySafety.Never));
                last = error.Message;
                return last.Contains(finding, StringComparison.Ordinal);
            },
            TimeSpan.FromSeconds(10),
            () => last);
        return last;
    }

    private static async Task LoadAsync(ResilientRedis redis, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            _ = redis.IncrementAsync("load", RetrySafety.Never, CancellationToken.None).ContinueWith(static call => call.Exception, TaskScheduler.Default);
            await Task.Delay(50, CancellationToken.None);
        }
    }
}
