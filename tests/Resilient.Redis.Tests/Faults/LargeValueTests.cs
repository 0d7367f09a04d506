using Resilient.Redis.Connections;
using Resilient.Redis.TestKit;
using StackExchange.Redis;

namespace Resilient.Redis.Tests.Faults;

/// <summary>Large values get a connection apart. How much that helps is measured in the benchmark; here is the rule.</summary>
public sealed class LargeValueTests
{
    private const int LargeBytes = 5_000_000;

    [Fact]
    public async Task Call_that_brought_a_large_value_gets_a_connection_apart_and_small_ones_leave_it_alone()
    {
        await using var server = await TestServer.StartAsync();
        await using var redis = Testing.Create(server.Endpoint);
        await redis.ExecuteAsync(static db => db.StringSetAsync("large", new byte[LargeBytes]), RetrySafety.Idempotent);
        await redis.ExecuteAsync(static db => db.StringSetAsync("small", 1), RetrySafety.Idempotent);
        var large = static (IDatabase db) => db.StringGetAsync("large");
        var small = static (IDatabase db) => db.StringGetAsync("small");
        redis.Pool.Open.Should().ContainSingle("nothing is known to be large, and concurrency is no reason");

        await Eventually.TrueAsync(
            async () =>
            {
                await redis.ExecuteAsync(large, RetrySafety.Idempotent);
                return redis.Pool.TryPick(Load.Now, isLarge: true)!.Slot == 1;
            },
            TimeSpan.FromSeconds(5));

        redis.Pool.Large.Expects(large, 0).Should().BeTrue();
        redis.Pool.Large.Expects(small, 0).Should().BeFalse();
        var before = Operations(redis, 1);
        for (var i = 0; i < 20; i++)
            await redis.ExecuteAsync(small, RetrySafety.Idempotent);
        (Operations(redis, 1) - before).Should().BeLessThan(5, "at most a PING of the watchdog goes there");
        before = Operations(redis, 1);
        for (var i = 0; i < 20; i++)
            await redis.ExecuteAsync(large, RetrySafety.Idempotent);
        (Operations(redis, 1) - before).Should().BeGreaterThanOrEqualTo(20);
    }

    [Fact]
    public async Task Without_a_second_connection_all_share_the_one()
    {
        await using var server = await TestServer.StartAsync();
        await using var redis = Testing.Create(server.Endpoint, o => o.PoolSize = 1);
        await redis.ExecuteAsync(static db => db.StringSetAsync("large", new byte[LargeBytes]), RetrySafety.Idempotent);

        for (var i = 0; i < 5; i++)
            ((byte[]?)await redis.ExecuteAsync(static db => db.StringGetAsync("large"), RetrySafety.Idempotent)).Should().HaveCount(LargeBytes);

        redis.Pool.Open.Should().ContainSingle();
    }

    [Fact]
    public void Call_is_known_by_its_lambda_and_forgotten_when_it_brings_small_values()
    {
        var large = new LargeReplies();
        var plain = static (IDatabase db) => db.StringGetAsync("a");
        var other = static (IDatabase db) => db.StringGetAsync("b");
        large.Expects(plain, 0).Should().BeFalse();

        large.Saw(plain, 0, (RedisValue)new byte[LargeBytes]);
        large.Expects(plain, 0).Should().BeTrue();
        large.Expects(other, 0).Should().BeFalse();
        large.Expects(other, (object)plain).Should().BeTrue("the shorter forms hand the lambda over as the state");

        large.Saw(Capturing("x"), 0, (RedisValue)new byte[LargeBytes]);
        large.Expects(Capturing("y"), 0).Should().BeTrue("a capturing lambda is a new delegate each time");

        for (var i = 0; i < 16; i++)
            large.Saw(plain, 0, (RedisValue)"small");
        large.Expects(plain, 0).Should().BeFalse();
        large.Saw(plain, 0, (RedisValue)new byte[LargeBytes]);
        large.Expects(plain, 0).Should().BeTrue();
    }

    [Fact]
    public void Size_is_that_of_what_came()
    {
        LargeReplies.SizeOf((RedisValue)new byte[9]).Should().Be(9);
        LargeReplies.SizeOf(new RedisValue[] { new byte[9], new byte[9] }).Should().Be(18);
        LargeReplies.SizeOf(new HashEntry[] { new("name", new byte[6]) }).Should().Be(10);
        LargeReplies.SizeOf(new byte[9]).Should().Be(9);
        LargeReplies.SizeOf("text").Should().Be(4);
        LargeReplies.SizeOf(RedisResult.Create((RedisValue)new byte[9])).Should().Be(9);
        LargeReplies.SizeOf(RedisResult.Create([(RedisValue)new byte[9], (RedisValue)new byte[9]])).Should().Be(18);
        LargeReplies.SizeOf(1L).Should().Be(0);
        LargeReplies.SizeOf<string?>(null).Should().Be(0);
    }

    private static Func<IDatabase, Task<RedisValue>> Capturing(string key) => db => db.StringGetAsync(key);

    private static long Operations(ResilientRedis redis, int slot) => redis.Pool.Open.Single(connection => connection.Slot == slot).Multiplexer.OperationCount;
}
