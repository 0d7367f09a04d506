using System.Diagnostics;
using System.Net.NetworkInformation;
using Resilient.Redis.TestKit;
using Xunit.Abstractions;

namespace Resilient.Redis.Tests.Faults;

/// <summary>Something between here and Redis breaks every connection again and again.</summary>
public sealed class ResetTests(ITestOutputHelper output) : FaultRow(output)
{
    private static readonly TimeSpan s_length = TimeSpan.FromSeconds(10);

    [Theory]
    [InlineData(500, true)]
    [InlineData(5, false)]      // every connection dies as soon as it serves
    public async Task Every_connection_reset_again_and_again(int everyMilliseconds, bool loadGoesOn)
    {
        await using var server = await TestServer.StartAsync();
        await using var proxy = FaultProxy.Start(server);
        await using var redis = Testing.Create(proxy.Endpoint);
        await redis.PingAsync();
        await using var load = Load.Start(redis);
        var calm = await CountAsync(load, WithinASecond);
        var (threads, sockets) = (Threads(), Sockets(proxy.Port));

        var accepted = proxy.Accepted;
        var succeeded = load.Succeeded;
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < s_length;)
        {
            await Task.Delay(everyMilliseconds);
            proxy.Reset();
        }

        accepted = proxy.Accepted - accepted;
        succeeded = load.Succeeded - succeeded;
        var back = await load.FirstSuccessAfterAsync(Load.Now, TimeSpan.FromSeconds(5));
        await HoldsAsync($"every connection reset each {everyMilliseconds} ms for 10 s", redis, load, ("first success", back));
        Says($"{accepted} connects in 10 s; {succeeded} calls, {calm} in a calm second; {threads} threads and {sockets} sockets before, {Threads()} and {Sockets(proxy.Port)} after");

        accepted.Should().BeLessThan((2 * 10) + 8 + 10 + (10 * 10), "the burst of a whole pool and ten a second");
        back.Should().BeLessThan(WithinASecond + Testing.Slack);
        if (loadGoesOn)
            succeeded.Should().BeGreaterThan(calm, "ten seconds of it carry more than one calm second");
        // Two for each connection; a machine that lagged has made the pool grow, which is no leak.
        await Eventually.TrueAsync(() => Sockets(proxy.Port) <= 2 * redis.Pool.Open.Count(), TimeSpan.FromSeconds(5), () => $"{Sockets(proxy.Port)} sockets for {redis.Pool.Open.Count()} connections, {sockets} before");
        await Eventually.TrueAsync(() => Threads() <= threads + 4, TimeSpan.FromSeconds(30), () => $"{Threads()} threads, {threads} before");
    }

    private static async Task<long> CountAsync(Load load, TimeSpan length)
    {
        var before = load.Succeeded;
        await Task.Delay(length);
        return load.Succeeded - before;
    }

    private static int Threads()
    {
        using var process = Process.GetCurrentProcess();
        return process.Threads.Count;
    }

    /// <summary>Open connections of this process to the proxy: of the two ends only ours has its port as the remote one.</summary>
    private static int Sockets(int port) =>
        IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpConnections().Count(connection => connection.RemoteEndPoint.Port == port && connection.State == TcpState.Established);
}
