using Microsoft.Extensions.Diagnostics.HealthChecks;
using Resilient.Redis.TestKit;
using Xunit.Abstractions;

namespace Resilient.Redis.Tests.Faults;

/// <summary>Redis is away as a whole, under load: killed, frozen, or not there yet.</summary>
public sealed class AwayTests(ITestOutputHelper output) : FaultRow(output)
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public Task Killed_and_restarted_after_three_seconds(bool garnet) => BestOfThreeAsync(async () =>
    {
        await using TestServer server = garnet || !RedisServer.IsInstalled ? await GarnetHost.StartAsync() : await RedisServer.StartAsync();
        await using var redis = Testing.Create(server.Endpoint);
        await redis.PingAsync();
        await using var load = Load.Start(redis);
        await load.FirstSuccessAfterAsync(Load.Now, WithinASecond);

        await server.KillAsync();
        await AwayAsync(redis);
        await Task.Delay(TimeSpan.FromSeconds(3));
        var away = load.Health.Last();
        await server.RestartAsync();
        var back = await load.FirstSuccessAfterAsync(Load.Now, TimeSpan.FromSeconds(5));

        await HoldsAsync($"killed, back after 3 s ({(garnet ? "Garnet" : "redis-server")})", redis, load, ("first success", back));
        back.Should().BeLessThan(WithinASecond);
        away.Result.Status.Should().Be(HealthStatus.Unhealthy);
        away.Result.Data.Should().ContainKeys("since", "last_error");
    });

    [NeedsRedisServerFact("only a process of its own can be stopped by a signal")]
    public Task Frozen_for_twenty_seconds() => BestOfThreeAsync(async () =>
    {
        await using var server = await RedisServer.StartAsync();
        await using var redis = Testing.Create(server.Endpoint);
        await redis.PingAsync();
        await using var load = Load.Start(redis);
        await load.FirstSuccessAfterAsync(Load.Now, WithinASecond);

        server.Freeze();
        var noticed = await AwayAsync(redis);
        var known = Load.Now;
        await Task.Delay(TimeSpan.FromSeconds(20) - noticed);
        var until = Load.Now;
        server.Thaw();
        var back = await load.FirstSuccessAfterAsync(until, TimeSpan.FromSeconds(5));

        var failingFast = load.Failures(known, until).Select(call => call.Took).ToList();
        var p99 = Load.Percentile(failingFast, 0.99);
        await HoldsAsync("frozen for 20 s", redis, load, ("noticed", noticed), ("p99 of failing fast", p99), ("first success", back));
        load.Failures(0, known).Should().NotContain(call => call.Took > Testing.Attempt + Testing.Slack);
        failingFast.Should().HaveCountGreaterThan(1000);
        p99.Should().BeLessThan(TimeSpan.FromMilliseconds(5));
        back.Should().BeLessThan(WithinASecond);
    });

    [Fact]
    public Task Not_there_at_the_start_and_up_after_five_seconds() => BestOfThreeAsync(async () =>
    {
        await using var server = await TestServer.StartAsync();
        await server.KillAsync();
        await using var redis = Testing.Create(server.Endpoint);
        await redis.StartAsync(default);
        await using var load = Load.Start(redis);
        await Task.Delay(TimeSpan.FromSeconds(5));
        var until = Load.Now;
        await server.RestartAsync();
        var back = await load.FirstSuccessAfterAsync(Load.Now, TimeSpan.FromSeconds(5));

        await HoldsAsync("away at the start, up after 5 s", redis, load, ("first success", back));
        back.Should().BeLessThan(WithinASecond);
        load.Failures(0, until).Should().Contain(call => call.Error!.Message.Contains("never connected", StringComparison.Ordinal));
        load.Health.Where(answer => answer.At < until).Should().OnlyContain(answer => answer.Result.Status == HealthStatus.Unhealthy);
    });
}
