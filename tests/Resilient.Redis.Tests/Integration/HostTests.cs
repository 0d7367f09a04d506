using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Resilient.Redis.TestKit;
using StackExchange.Redis;

namespace Resilient.Redis.Tests.Integration;

/// <summary>An application around it: it starts and stops whatever Redis does.</summary>
public sealed class HostTests
{
    [Fact]
    public async Task Host_starts_without_redis_says_so_in_health_and_recovers()
    {
        await using var server = await TestServer.StartAsync();
        await server.KillAsync();
        using var host = Build(server.Endpoint);

        var clock = Stopwatch.StartNew();
        await host.StartAsync();
        clock.Elapsed.Should().BeLessThan(TimeSpan.FromSeconds(4), "start waits for Redis no longer than ConnectTimeout, 2 s here");
        host.Services.GetRequiredService<IConnectionMultiplexer>().IsConnected.Should().BeFalse();
        var away = await HealthAsync(host);
        away.Status.Should().Be(HealthStatus.Unhealthy);
        away.Description.Should().Contain("away since").And.Contain("connection refused");

        await server.RestartAsync();
        await Eventually.TrueAsync(async () => await HealthAsync(host) is { Status: HealthStatus.Healthy } entry && entry.Data.ContainsKey("latency_ms"), TimeSpan.FromSeconds(2));

        var up = await HealthAsync(host);
        up.Data["endpoint"].Should().Be(server.Endpoint);
        up.Data["state"].Should().Be("up");
        up.Data["connections_open"].Should().Be(1);
        up.Data["connections_most"].Should().Be(10);
        up.Data["latency_ms"].Should().BeOfType<double>().Which.Should().BePositive();
        up.Tags.Should().Contain("ready");
        await host.StopAsync();
    }

    [NeedsRedisServerFact("only a process of its own can be stopped by a signal")]
    public async Task Host_starts_health_answers_and_all_is_disposed_while_redis_is_frozen()
    {
        await using var server = await RedisServer.StartAsync();
        server.Freeze();
        var host = Build(server.Endpoint);

        var clock = Stopwatch.StartNew();
        await host.StartAsync();
        clock.Elapsed.Should().BeLessThan(TimeSpan.FromSeconds(4));
        clock.Restart();
        (await HealthAsync(host)).Status.Should().Be(HealthStatus.Unhealthy);
        clock.Elapsed.Should().BeLessThan(Testing.AtOnce);

        server.Thaw();
        var redis = host.Services.GetRequiredService<IResilientRedis>();
        await Eventually.TrueAsync(async () => (await HealthAsync(host)).Status == HealthStatus.Healthy, TimeSpan.FromSeconds(4));
        host.Services.GetRequiredService<IConnectionMultiplexer>().IsConnected.Should().BeTrue();
        server.Freeze();
        var call = redis.IncrementAsync("n", RetrySafety.Never);

        clock.Restart();
        await host.StopAsync();
        await ((IAsyncDisposable)host).DisposeAsync();
        clock.Elapsed.Should().BeLessThan(TimeSpan.FromSeconds(1) + Testing.Slack);
        await Testing.FailsAsync<RedisUnavailableException>(() => call);
    }

    [NeedsRedisServerFact("Sentinel")]
    public async Task Host_finds_its_redis_by_sentinels_and_is_disposed_at_once()
    {
        await using var group = await SentinelGroup.StartAsync("secret", "secret");
        var url = $"redis+sentinel://:secret@{string.Join(',', group.Sentinels.Select(sentinel => sentinel.Endpoint))}/{SentinelGroup.Service}/2";
        var host = Build(url);
        await host.StartAsync();

        await host.Services.GetRequiredService<IConnectionMultiplexer>().GetDatabase().StringSetAsync("k", 1);
        await using var own = await host.Services.GetRequiredService<IRedisConnectionFactory>().ConnectAsync();
        (await own.GetDatabase().StringGetAsync("k")).Should().Be(1, "connections of a duty of their own are led there too");
        (await HealthAsync(host)).Description.Should().Contain("mymaster (sentinels 127.0.0.1:");

        var clock = Stopwatch.StartNew();
        await host.StopAsync();
        host.Dispose();
        clock.Elapsed.Should().BeLessThan(TimeSpan.FromSeconds(2));
    }

    private static IHost Build(string connection)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Services
            .AddResilientRedis(o => (o.ConnectionString, o.ConnectTimeout, o.AttemptTimeout) = (connection, TimeSpan.FromSeconds(2), Testing.Attempt))
            .AddHealthCheck(tags: ["ready"]);
        return builder.Build();
    }

    private static async Task<HealthReportEntry> HealthAsync(IHost host) =>
        (await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync()).Entries["redis"];
}
