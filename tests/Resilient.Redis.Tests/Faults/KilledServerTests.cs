using Resilient.Redis.TestKit;

namespace Resilient.Redis.Tests.Faults;

public sealed class KilledServerTests
{
    [Fact]
    public async Task Killed_and_restarted_server_is_one_line_each_and_works_within_a_second()
    {
        await using var server = await TestServer.StartAsync();
        using var logs = new CollectedLogs();
        await using var redis = Testing.Create(server.Endpoint, logs: logs);
        await redis.ExecuteAsync(static db => db.StringSetAsync("k", 1), RetrySafety.Idempotent);

        await server.KillAsync();
        await Eventually.TrueAsync(() => logs.Story().Count() == 2 && redis.Pool.Grace == TimeSpan.Zero, TimeSpan.FromSeconds(5), () => logs.Text);
        var (error, elapsed) = await Testing.FailsAsync<RedisUnavailableException>(() => redis.ExecuteAsync(static db => db.StringGetAsync("k"), RetrySafety.Idempotent).AsTask());
        elapsed.Should().BeLessThan(Testing.AtOnce, "Redis is known to be away");
        error.MayHaveExecuted.Should().BeFalse();
        error.Message.Should().Contain(server.Endpoint).And.Contain("away since");

        await server.RestartAsync();
        await Eventually.TrueAsync(() => SucceedsAsync(redis), TimeSpan.FromSeconds(1) + Testing.Slack, () => logs.Text);

        await Eventually.TrueAsync(() => logs.Story().Count() == 3, TimeSpan.FromSeconds(2), () => logs.Text);
        logs.Story().Should().SatisfyRespectively(
            line => line.Should().MatchRegex(@"^101: Redis: connection 0 to 127\.0\.0\.1:\d+ opened after \d+ ms\.$"),
            line => line.Should().MatchRegex(@"^104: Redis: connection 0 to 127\.0\.0\.1:\d+ lost after [\d.]+ s: .+\.$"),
            line => line.Should().MatchRegex(@"^105: Redis: connection 0 to 127\.0\.0\.1:\d+ is back after \d+ ms\.$"));
    }

    [Fact]
    public async Task Application_starts_without_redis_and_recovers_when_it_comes()
    {
        await using var server = await TestServer.StartAsync();
        await server.KillAsync();
        using var logs = new CollectedLogs();
        await using var redis = Testing.Create(server.Endpoint, logs: logs);

        var (error, elapsed) = await Testing.FailsAsync<RedisUnavailableException>(() => redis.GetConnectionAsync().AsTask());
        elapsed.Should().BeLessThan(TimeSpan.FromSeconds(3.5), "opening is bounded by ConnectTimeout, and then a PING by AttemptTimeout");
        error.Message.Should().Contain("connection refused").And.Contain("ConnectionString");
        logs.Story().Should().ContainSingle().Which.Should().MatchRegex(@"^102: Redis: no connection 0 to .+ after \d+ ms: nobody listens there \(connection refused\)\.");

        await server.RestartAsync();
        await Eventually.TrueAsync(() => SucceedsAsync(redis), TimeSpan.FromSeconds(2), () => logs.Text);

        logs.Story().Should().HaveCount(2);
        logs.Story().Last().Should().StartWith("101: Redis: connection 0");
    }

    [Fact]
    public async Task Without_fail_fast_a_call_waits_until_redis_is_back()
    {
        await using var server = await TestServer.StartAsync();
        await using var redis = Testing.Create(server.Endpoint, o => o.FailFast = false);
        await redis.GetConnectionAsync();
        await server.KillAsync();
        await Eventually.TrueAsync(() => !redis.Availability.IsUp, TimeSpan.FromSeconds(2));

        var waiting = redis.IncrementAsync("n", RetrySafety.IfNotSent);
        await server.RestartAsync();

        (await waiting).Should().Be(1);
    }

    [Fact]
    public async Task Without_fail_fast_the_wait_ends_with_the_total_timeout()
    {
        await using var server = await TestServer.StartAsync();
        await using var redis = Testing.Create(server.Endpoint, o => (o.FailFast, o.TotalTimeout) = (false, TimeSpan.FromSeconds(2)));
        await redis.GetConnectionAsync();
        await server.KillAsync();
        await Eventually.TrueAsync(() => !redis.Availability.IsUp, TimeSpan.FromSeconds(2));

        var (_, elapsed) = await Testing.FailsAsync<RedisUnavailableException>(() => redis.IncrementAsync("n", RetrySafety.IfNotSent));

        elapsed.Should().BeCloseTo(TimeSpan.FromSeconds(2), Testing.Slack);
    }

    private static async Task<bool> SucceedsAsync(ResilientRedis redis)
    {
        try
        {
            await redis.ExecuteAsync(static db => db.StringSetAsync("k", 2), RetrySafety.Idempotent);
            return true;
        }
        catch (RedisUnavailableException)
        {
            return false;
        }
    }
}
