using Resilient.Redis.TestKit;

namespace Resilient.Redis.Tests.Integration;

public sealed class ResilientRedisTests
{
    [Fact]
    public async Task Create_executes_pings_and_gives_its_connection()
    {
        await using var server = await TestServer.StartAsync();
        await using var redis = ResilientRedis.Create(new() { ConnectionString = $"redis://{server.Endpoint}/2" });

        await redis.ExecuteAsync(static (db, value) => db.StringSetAsync("a", value), 42, RetrySafety.Idempotent);

        (await redis.ExecuteAsync(static db => db.StringGetAsync("a"), RetrySafety.Idempotent)).Should().Be(42);
        (await redis.PingAsync()).Should().BePositive();
        (await redis.ReplaceDeadAsync()).Should().Be(0);
        var connection = await redis.GetConnectionAsync();
        ((int)await connection.GetDatabase(2).StringGetAsync("a")).Should().Be(42, "the database of the URL is the default");
    }

    [Fact]
    public async Task First_ping_of_a_dead_port_ends_in_time_and_does_not_blame_slowness()
    {
        await using var redis = Testing.Create($"redis://:hunter2@127.0.0.1:{Ports.Free()}", o => o.AttemptTimeout = TimeSpan.FromMilliseconds(300));

        var (error, took) = await Testing.FailsAsync<RedisUnavailableException>(() => redis.PingAsync().AsTask());

        took.Should().BeLessThan(TimeSpan.FromMilliseconds(300) + Testing.Slack);
        error.MayHaveExecuted.Should().BeFalse();
        error.Message.Should().NotContain("no reply within").And.NotContain("hunter2").And.Contain("ConnectionString");
    }
}
