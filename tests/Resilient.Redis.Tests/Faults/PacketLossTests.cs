using System.Diagnostics;
using System.Runtime.Versioning;
using Microsoft.Extensions.Logging.Abstractions;
using Resilient.Redis.Connections;
using Resilient.Redis.Options;
using Resilient.Redis.TestKit;
using Xunit.Abstractions;

namespace Resilient.Redis.Tests.Faults;

/// <summary>The silent network for real: packets between two network namespaces are lost, those of established connections only.</summary>
[SupportedOSPlatform("linux")]
public sealed class PacketLossTests(ITestOutputHelper output) : FaultRow(output)
{
    private static readonly TimeSpan s_idle = TimeSpan.FromSeconds(6);

    [LossyNetworkFact]
    public Task Under_load_it_is_noticed_and_replaced() => BestOfThreeAsync(async () =>
    {
        await using var network = await LossyNetwork.StartAsync();
        await using var redis = Testing.Create(network.Endpoint, o => o.PoolSize = 1);
        await redis.PingAsync();
        await using var load = Load.Start(redis);
        await load.FirstSuccessAfterAsync(Load.Now, WithinASecond);

        await network.LoseAsync(redis.Pool.First!.Sockets.LocalPorts());
        var lost = Load.Now;
        var back = await load.FirstSuccessAfterAsync(lost + (long)(0.1 * Stopwatch.Frequency), TimeSpan.FromSeconds(10)) + TimeSpan.FromSeconds(0.1);

        await HoldsAsync("real packet loss under load", redis, load, ("first success", back));
        back.Should().BeLessThan(Testing.Attempt + TimeSpan.FromMilliseconds(500));
        load.Failures().Should().Contain(call => call.Error!.Message.Contains("connection dead: ", StringComparison.Ordinal));
    });

    [LossyNetworkFact]
    public Task Idle_it_is_noticed_and_replaced() => BestOfThreeAsync(async () =>
    {
        await using var network = await LossyNetwork.StartAsync();
        using var logs = new CollectedLogs();
        await using var redis = Testing.Create(network.Endpoint, o => (o.PoolSize, o.AttemptTimeout) = (1, TimeSpan.FromSeconds(2)), logs);
        await redis.PingAsync();

        await network.LoseAsync(redis.Pool.First!.Sockets.LocalPorts());
        var took = await Eventually.TrueAsync(() => logs.Story().Any(line => line.StartsWith("105", StringComparison.Ordinal)), TimeSpan.FromSeconds(20), () => logs.Text);

        Says($"real packet loss, idle: replaced after {took.TotalMilliseconds:0} ms");
        took.Should().BeLessThan(s_idle);
    });

    /// <summary>The system's own part: no watchdog, no calls, and the driver's own keepalive off.</summary>
    [LossyNetworkFact]
    public Task Keepalive_times_alone_notice_it() => BestOfThreeAsync(async () =>
    {
        await using var network = await LossyNetwork.StartAsync();
        var resolved = new OptionsResolver("", static _ => null, null).Resolve(new() { ConnectionString = network.Endpoint }, new OptionsCheck())!;
        var sockets = new SocketSet(TimeProvider.System);
        await using var connection = await new RedisConnectionFactory(resolved, new RedisHooks(), NullLogger.Instance, TimeProvider.System).ConnectAsync(driver =>
        {
            sockets.Attach(driver);
            driver.KeepAlive = 3600;
        });
        var failed = 0;
        connection.ConnectionFailed += (_, _) => Interlocked.Increment(ref failed);

        await network.LoseAsync(sockets.LocalPorts());
        var took = await Eventually.TrueAsync(() => Volatile.Read(ref failed) > 0, TimeSpan.FromSeconds(30));

        Says($"real packet loss, TCP keepalive alone: noticed after {took.TotalMilliseconds:0} ms");
        took.Should().BeLessThan(s_idle + WithinASecond);
    });
}
