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
}
