using Resilient.Redis.Connections;
using Resilient.Redis.TestKit;
using Xunit.Abstractions;

namespace Resilient.Redis.Tests.Faults;

/// <summary>Established connections swallow all bytes, new ones work.</summary>
public sealed class DeadConnectionTests(ITestOutputHelper output) : FaultRow(output)
{
    private static readonly TimeSpan s_underLoad = Testing.Attempt + TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan s_idle = TimeSpan.FromSeconds(6);

    [Fact]
    public Task All_connections_silent_under_load() => BestOfThreeAsync(async () =>
    {
        await using var server = await TestServer.StartAsync();
        await using var proxy = FaultProxy.Start(server);
        await using var redis = Testing.Create(proxy.Endpoint);
        await redis.PingAsync();
        await using var load = Load.Start(redis);
        await load.FirstSuccessAfterAsync(Load.Now, WithinASecond);

        proxy.Silence();
        var silent = Load.Now;
        var back = await load.FirstSuccessAfterAsync(silent + (long)(0.1 * System.Diagnostics.Stopwatch.Frequency), TimeSpan.FromSeconds(5)) + TimeSpan.FromSeconds(0.1);

        await HoldsAsync("silent network under load", redis, load, ("first success", back));
        back.Should().BeLessThan(s_underLoad);
        load.Failures().Should().NotContain(call => call.Took > Testing.AtOnce && !((RedisUnavailableException)call.Error!).MayHaveExecuted, "what waited had been sent");
    });

    [Fact]
    public Task One_silent_connection_in_a_pool_of_four() => BestOfThreeAsync(async () =>
    {
        await using var server = await TestServer.StartAsync();
        await using var proxy = FaultProxy.Start(server);
        await using var redis = Testing.Create(proxy.Endpoint, o => o.PoolSize = 4);
        await redis.PingAsync();
        await GrowAsync(redis, 4);
        var others = redis.Pool.Open.Where(connection => connection.Slot != 0).ToList();
        var dead = redis.Pool.Open.Single(connection => connection.Slot == 0);
        await using var load = Load.Start(redis);
        await load.FirstSuccessAfterAsync(Load.Now, WithinASecond);

        // The one that is picked first, as long as its replies are not late.
        // It is down for a few milliseconds only, which a look may miss; its new sockets stay.
        int[] ports = [.. dead.Sockets.LocalPorts()];
        proxy.Silence(ports);
        var silent = Load.Now;
        await Eventually.TrueAsync(() => !dead.IsUp || dead.IsClosed || !dead.Sockets.LocalPorts().Intersect(ports).Any(), s_underLoad + Testing.Slack);
        var noticed = System.Diagnostics.Stopwatch.GetElapsedTime(silent);
        var after = load.Succeeded;
        await Eventually.TrueAsync(() => load.Succeeded > after + 100, WithinASecond);

        await HoldsAsync("one dead connection in a pool of four", redis, load, ("noticed", noticed));
        load.Failures().Should().HaveCountLessThanOrEqualTo(8, "only what was in flight on it, and no more than its callers").And.NotContain(call => call.Began > silent + (long)(noticed.TotalSeconds * System.Diagnostics.Stopwatch.Frequency));
        noticed.Should().BeLessThan(s_underLoad);
        others.Should().OnlyContain(connection => connection.IsUp && !connection.IsClosed);
    });

    [Fact]
    public Task Idle_subscriber_hears_again() => BestOfThreeAsync(async () =>
    {
        foreach (var both in (bool[])[true, false])
        {
            await using var server = await TestServer.StartAsync();
            await using var beside = await server.ConnectAsync();
            await using var proxy = FaultProxy.Start(server);
            await using var redis = Testing.Create(proxy.Endpoint, o => o.AttemptTimeout = TimeSpan.FromSeconds(2));
            var multiplexer = await redis.GetConnectionAsync();
            var (published, heard) = (0, 0);
            await multiplexer.GetSubscriber().SubscribeAsync(StackExchange.Redis.RedisChannel.Literal("news"), (_, message) => Volatile.Write(ref heard, (int)message));
            await HearsAsync();

            if (both)
                proxy.Silence();
            else
                proxy.Silence(redis.Pool.First!.Sockets.LocalPorts(StackExchange.Redis.ConnectionType.Subscription));
            var took = await HearsAsync();

            Says($"idle subscriber, {(both ? "all sockets" : "its socket alone")} silent: hears again after {took.TotalMilliseconds:0} ms");
            took.Should().BeLessThan(s_idle);

            async Task<TimeSpan> HearsAsync()
            {
                var before = published;     // what is still on its way does not count
                return await Eventually.TrueAsync(
                    async () =>
                    {
                        await beside.GetSubscriber().PublishAsync(StackExchange.Redis.RedisChannel.Literal("news"), ++published);
                        return Volatile.Read(ref heard) > before;
                    },
                    TimeSpan.FromSeconds(20));
            }
        }
    });

    [Fact]
    public async Task Latency_of_two_seconds_tears_nothing_down()
    {
        await using var server = await TestServer.StartAsync();
        await using var proxy = FaultProxy.Start(server);
        await using var patient = Testing.Create(proxy.Endpoint, o => (o.AttemptTimeout, o.PoolSize) = (TimeSpan.FromSeconds(5), 1));
        await using var impatient = Testing.Create(proxy.Endpoint, o => o.PoolSize = 1);
        await patient.PingAsync();
        await impatient.PingAsync();
        var accepted = proxy.Accepted;
        await using var waiting = Load.Start(patient);
        await using var failing = Load.Start(impatient);

        proxy.Delay = TimeSpan.FromSeconds(1);
        var slow = Load.Now;
        await Eventually.TrueAsync(() => failing.Failures(slow).Any(call => call.Error!.Message.Contains("server slow: ", StringComparison.Ordinal)), TimeSpan.FromSeconds(15), failing.Summary);
        await waiting.FirstSuccessAfterAsync(slow + (4 * System.Diagnostics.Stopwatch.Frequency), TimeSpan.FromSeconds(5));

        // What it opened besides are probes: they end at once, and the two that serve are still the first.
        patient.Pool.Open.Concat(impatient.Pool.Open).Should().OnlyContain(connection => connection.Dropped == null && connection.Multiplexer.IsConnected);
        await HoldsAsync("latency of 2 s, AttemptTimeout 5 s", patient, waiting);
        await HoldsAsync("latency of 2 s, AttemptTimeout 1 s", impatient, failing);
        waiting.Failures().Should().BeEmpty();
        Says($"{proxy.Accepted - accepted} connects meanwhile");
    }

    private static async Task GrowAsync(ResilientRedis redis, int size)
    {
        for (var open = 1; open < size; open++)
        {
            var late = redis.Pool.Open.ToList();
            late.ForEach(connection => connection.Begin(Load.Now));
            await Eventually.TrueAsync(() => redis.Pool.TryPick() is { } picked && redis.Pool.Open.Count() > late.Count, TimeSpan.FromSeconds(5));
            late.ForEach(connection => connection.End());
        }
    }
}
