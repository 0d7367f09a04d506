using Resilient.Redis.Connections;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Tests.Integration;

public sealed class PoolTests
{
    /// <summary>The watchdog and the driver's events note it too. One that had noted the connection, and had not come to tell that Redis is there, made the first call of a fresh pool fail at once.</summary>
    [Fact]
    public async Task Connection_that_another_thread_is_just_noting_counts_for_who_has_opened_it()
    {
        await using var server = await TestServer.StartAsync();
        await using var redis = Testing.Create(server.Endpoint);
        await redis.GetConnectionAsync();
        redis.Availability.Set(static () => false);     // where that thread stands: the connection is up, and nothing else is

        redis.Pool.SetUp(redis.Pool.First!);

        (await redis.GetConnectionAsync()).Should().BeSameAs(redis.Pool.First!.Multiplexer);
    }

    [Fact]
    public async Task Concurrency_alone_opens_no_second_connection()
    {
        await using var server = await TestServer.StartAsync();
        await using var redis = Testing.Create(server.Endpoint);
        await redis.GetConnectionAsync();
        await redis.IncrementAsync("warm", RetrySafety.Never);

        // Handed out without waiting in between, so that all are outstanding before the first reply is late.
        var connection = redis.Pool.First!;
        for (var i = 0; i < 100; i++)
            connection.Begin(TimeProvider.System.GetTimestamp());
        redis.Pool.TryPick().Should().BeSameAs(connection);
        for (var i = 0; i < 100; i++)
            connection.End();

        redis.Pool.Open.Should().ContainSingle();
    }

    [Fact]
    public async Task Late_replies_open_another_up_to_the_pool_size_and_a_late_one_is_picked_only_if_all_are()
    {
        await using var server = await TestServer.StartAsync();
        await using var redis = Testing.Create(server.Endpoint, o => o.PoolSize = 2);
        await redis.GetConnectionAsync();
        var first = redis.Pool.First!;
        first.Begin(TimeProvider.System.GetTimestamp());
        await Eventually.TrueAsync(() => IsLate(first), TimeSpan.FromSeconds(1));

        redis.Pool.TryPick().Should().BeSameAs(first, "the new one is opened behind the caller's back");
        await Eventually.TrueAsync(() => redis.Pool.TryPick() != first, TimeSpan.FromSeconds(2));

        var second = redis.Pool.TryPick()!;
        second.Slot.Should().Be(1);
        second.Begin(TimeProvider.System.GetTimestamp());
        second.Begin(TimeProvider.System.GetTimestamp());
        redis.Pool.TryPick().Should().BeSameAs(second, "it has more under way, but none late: what is stuck on the first may be large");
        await Eventually.TrueAsync(() => IsLate(second), TimeSpan.FromSeconds(1));
        redis.Pool.TryPick().Should().BeSameAs(first, "both are late, and it has fewer under way");
        redis.Pool.Open.Should().HaveCount(2);
    }

    [Fact]
    public async Task Dead_one_is_never_picked_and_another_slot_than_0_is_replaced()
    {
        await using var server = await TestServer.StartAsync();
        await using var redis = Testing.Create(server.Endpoint, o => o.PoolSize = 2);
        await redis.GetConnectionAsync();
        var second = await GrowAsync(redis);

        redis.Pool.SetDown(redis.Pool.First!, "test", null, LossSeenBy.Closing);
        redis.Pool.TryPick().Should().BeSameAs(second);
        await redis.Pool.DropAsync(second, "test");
        redis.Pool.TryPick().Should().NotBeSameAs(second);

        await Eventually.TrueAsync(() => redis.Pool.TryPick() == redis.Pool.First, TimeSpan.FromSeconds(2));
        (await GrowAsync(redis)).Should().NotBeSameAs(second);
    }

    private static bool IsLate(PooledConnection connection) => connection.IsLate(TimeProvider.System.GetTimestamp());

    private static async Task<PooledConnection> GrowAsync(ResilientRedis redis)
    {
        var first = redis.Pool.First!;
        first.Begin(TimeProvider.System.GetTimestamp());
        await Eventually.TrueAsync(() => redis.Pool.TryPick() is { } other && other != first, TimeSpan.FromSeconds(2));
        first.End();
        return redis.Pool.Open.Single(connection => connection != first);
    }
}
