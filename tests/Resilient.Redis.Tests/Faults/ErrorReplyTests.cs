using System.Diagnostics;
using Resilient.Redis.TestKit;
using StackExchange.Redis;
using Xunit.Abstractions;

namespace Resilient.Redis.Tests.Faults;

/// <summary>What Redis says when it cannot serve: by name, retried where that is safe and may help, and never answered with a reconnect.</summary>
public sealed class ErrorReplyTests(ITestOutputHelper output) : FaultRow(output)
{
    [NeedsRedisServerFact("key-load-delay")]
    public async Task LOADING_is_waited_for_without_a_reconnect_storm()
    {
        await using var server = await RedisServer.StartAsync("--save", "3600 1", "--key-load-delay", "500", "--loading-process-events-interval-bytes", "1024");
        await using (var beside = await server.ConnectAsync())
        {
            await beside.GetDatabase().ScriptEvaluateAsync("for i = 1, 8000 do redis.call('SET', 'key:' .. i, string.rep('x', 100)) end");
            await beside.GetDatabase().ExecuteAsync("SAVE");
        }

        await using var redis = Testing.Create(server.Endpoint, o => o.FailFast = false);
        await redis.PingAsync();
        await server.KillAsync();
        await using var load = Load.Start(redis);
        await server.RestartAsync();      // it answers, with LOADING
        var loading = Load.Now;
        var back = await load.FirstSuccessAfterAsync(loading, TimeSpan.FromSeconds(30));
        var connects = await ConnectsAsync(server);

        await HoldsAsync("LOADING", redis, load, ("first success", back));
        Says($"{connects} connects since the restart");
        load.Failures(loading).Where(call => call.Error is RedisUnavailableException).Should().NotContain(call => call.Error!.Message.Contains("AUTH", StringComparison.Ordinal));
        back.Should().BeGreaterThan(WithinASecond, "else it was not loading at all");
        // The pace is a burst and ten a second for each pool; its jitter and this test's own connections come on top. A storm is thousands.
        connects.Should().BeLessThan(50 + (15 * (int)Math.Ceiling(back.TotalSeconds)));
    }

    [NeedsRedisServerFact("SCRIPT KILL")]
    public async Task BUSY_is_retried_until_the_script_has_ended()
    {
        await using var server = await RedisServer.StartAsync("--busy-reply-threshold", "50");
        await using var beside = await ConnectionMultiplexer.ConnectAsync($"{server.Endpoint},allowAdmin=true");
        await using var killer = await ConnectionMultiplexer.ConnectAsync($"{server.Endpoint},allowAdmin=true");
        await using var redis = Testing.Create(server.Endpoint, o => o.Retry.MaxRetries = 20);
        await redis.PingAsync();
        var script = beside.GetDatabase().ScriptEvaluateAsync("while true do end");
        await BecomesAsync(redis, "BUSY");

        var (once, _) = await Testing.FailsAsync<RedisUnavailableException>(() => redis.IncrementAsync("n", RetrySafety.Never));
        once.Message.Should().Contain("BUSY").And.Contain("SCRIPT KILL");
        once.MayHaveExecuted.Should().BeFalse();
        var retried = redis.IncrementAsync("n", RetrySafety.IfNotSent);
        await killer.GetServers()[0].ExecuteAsync("SCRIPT", "KILL");

        (await retried).Should().Be(1);
        await ((Func<Task>)(() => script)).Should().ThrowAsync<RedisException>();
    }

    [NeedsRedisServerFact("REPLICAOF")]
    public async Task READONLY_is_retried_until_it_is_the_primary_again()
    {
        await using var primary = await RedisServer.StartAsync();
        await using var server = await RedisServer.StartAsync();
        await using var beside = await ConnectionMultiplexer.ConnectAsync($"{server.Endpoint},allowAdmin=true");
        await using var redis = Testing.Create(server.Endpoint, o => o.Retry.MaxRetries = 20);
        await redis.IncrementAsync("n", RetrySafety.Never);
        await beside.GetServers()[0].ExecuteAsync("REPLICAOF", "127.0.0.1", $"{primary.Port}");

        var (once, _) = await Testing.FailsAsync<RedisUnavailableException>(() => redis.IncrementAsync("n", RetrySafety.Never));
        once.Message.Should().Contain("READONLY").And.Contain("point ConnectionString at the primary");
        var retried = redis.IncrementAsync("n", RetrySafety.IfNotSent);
        await beside.GetServers()[0].ExecuteAsync("REPLICAOF", "NO", "ONE");

        (await retried).Should().BePositive();
    }

    [NeedsRedisServerFact("BGSAVE")]
    public async Task MISCONF_is_named_and_retried_until_it_is_mended()
    {
        await using var server = await RedisServer.StartAsync("--save", "3600 1", "--dbfilename", "blocked.rdb");
        await using var beside = await ConnectionMultiplexer.ConnectAsync($"{server.Endpoint},allowAdmin=true");
        await using var redis = Testing.Create(server.Endpoint, o => o.Retry.MaxRetries = 20);
        await redis.IncrementAsync("n", RetrySafety.Never);

        // The file to be written is a folder: root may write anywhere, but not there.
        Directory.CreateDirectory(Path.Combine(server.Folder, "blocked.rdb", "x"));
        await beside.GetServers()[0].ExecuteAsync("BGSAVE");
        await BecomesAsync(redis, "MISCONF");

        var (once, _) = await Testing.FailsAsync<RedisUnavailableException>(() => redis.IncrementAsync("n", RetrySafety.Never));
        once.Message.Should().Contain("MISCONF").And.Contain("free disk space");
        var retried = redis.IncrementAsync("n", RetrySafety.IfNotSent);
        await beside.GetServers()[0].ConfigSetAsync("stop-writes-on-bgsave-error", "no");

        (await retried).Should().BePositive();
    }

    [NeedsRedisServerFact("maxmemory")]
    public async Task OOM_under_load_is_refused_by_name_and_costs_no_connection()
    {
        await using var server = await RedisServer.StartAsync("--maxmemory", "1");
        using var logs = new CollectedLogs();
        await using var redis = Testing.Create(server.Endpoint, o => o.PoolSize = 1, logs);
        await redis.PingAsync();
        var before = await ConnectsAsync(server);
        await using var load = Load.Start(redis, RetrySafety.Idempotent);
        await Task.Delay(TimeSpan.FromSeconds(3));

        await HoldsAsync("OOM", redis, load);
        (await ConnectsAsync(server) - before).Should().BeLessThanOrEqualTo(1, "that is the asking itself");
        load.Failures().Should().HaveCountGreaterThan(100).And.OnlyContain(call => call.Error is RedisRefusedException && ((RedisRefusedException)call.Error).ErrorCode == "OOM" && ((RedisRefusedException)call.Error).IsTransient);
        // Counted where it arrives: how long a call takes says more of the machine.
        (await InfoAsync(server, "commandstats")).Should().Contain(line => line.StartsWith("cmdstat_incr:", StringComparison.Ordinal))
            .Which.Should().Contain($"rejected_calls={load.Failures().Count()},", "it is not retried");
        logs.Story().Should().ContainSingle("no connection is lost for an error reply");
    }

    private static Task<TimeSpan> BecomesAsync(ResilientRedis redis, string code) => Eventually.TrueAsync(
        async () =>
        {
            try
            {
                await redis.IncrementAsync("probe", RetrySafety.Never);
                return false;
            }
            catch (ResilientRedisException error)
            {
                return error.Message.Contains(code, StringComparison.Ordinal);
            }
        },
        TimeSpan.FromSeconds(10));

    private static async Task<long> ConnectsAsync(RedisServer server)
    {
        var line = (await InfoAsync(server, "stats")).Single(line => line.StartsWith("total_connections_received:", StringComparison.Ordinal));
        return long.Parse(line.Split(':')[1], System.Globalization.CultureInfo.InvariantCulture);
    }

    private static async Task<string[]> InfoAsync(RedisServer server, string section)
    {
        using var cli = Process.Start(new ProcessStartInfo("redis-cli", ["-p", $"{server.Port}", "info", section]) { RedirectStandardOutput = true })!;
        var info = await cli.StandardOutput.ReadToEndAsync();
        await cli.WaitForExitAsync();
        return info.Split('\n');
    }
}
