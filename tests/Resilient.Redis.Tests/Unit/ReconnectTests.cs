using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Time.Testing;
using Resilient.Redis.Connections;
using StackExchange.Redis;

namespace Resilient.Redis.Tests.Unit;

/// <summary>When the driver may connect again, and how often in all.</summary>
public sealed class ReconnectTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly SocketSet _sockets;
    private readonly ReconnectPolicy _policy;

    public ReconnectTests()
    {
        _sockets = new SocketSet(_time);
        _policy = new ReconnectPolicy(_sockets, TimeSpan.FromSeconds(5)) { IsOpening = false };
    }

    [Fact]
    public void Pause_stays_under_half_a_second_however_long_the_outage_and_differs_from_time_to_time()
    {
        var pauses = Enumerable.Range(0, 1000).Select(Pause).ToList();

        pauses.Should().OnlyContain(pause => pause >= 200 && pause <= 400);
        pauses.Distinct().Count().Should().BeGreaterThan(50, "a thousand processes must not come back in step");
    }

    [Fact]
    public void Refusal_is_tried_ever_more_slowly()
    {
        _policy.IsRefused = static () => true;

        Pause(0).Should().BeLessThanOrEqualTo(400);
        Pause(3).Should().BeGreaterThan(1000);
        Pause(1000).Should().BeInRange(2500, 5000);
    }

    [Fact]
    public void Connection_that_can_wait_leaves_the_trying_to_another()
    {
        _policy.MayWait = static () => true;

        Pause(0).Should().BeGreaterThanOrEqualTo(2500);
    }

    [Fact]
    public void Connect_under_way_gets_all_of_its_time()
    {
        using var socket = Open();
        _time.Advance(TimeSpan.FromSeconds(4));

        _policy.ShouldRetry(0, 4000).Should().BeFalse("a slow TLS handshake must not be aborted");
        _policy.ShouldRetry(0, 5000).Should().BeTrue();
    }

    [Fact]
    public void Established_or_closed_socket_is_no_connect_under_way()
    {
        using var subscription = Open();
        var closed = Open();
        closed.Dispose();
        _sockets.Established(s_endpoint, ConnectionType.Interactive);
        _time.Advance(TimeSpan.FromSeconds(1));
        _policy.ShouldRetry(0, 1000).Should().BeFalse();

        _sockets.Established(s_endpoint, ConnectionType.Subscription);

        _policy.ShouldRetry(0, 1000).Should().BeTrue();
    }

    [Fact]
    public void Socket_of_an_earlier_connect_does_not_hold_up_a_later_one()
    {
        using var old = Open();
        _time.Advance(TimeSpan.FromSeconds(2));

        _policy.ShouldRetry(0, 1000).Should().BeTrue("that socket is two seconds old, and this connect began one second ago");
    }

    [Fact]
    public async Task Whole_pool_may_come_back_at_once_and_a_storm_may_not_go_on()
    {
        var pace = new ConnectPace(burst: 4, _time);
        var turns = Enumerable.Range(0, 14).Select(_ => pace.WaitAsync().AsTask()).ToList();
        turns.Count(turn => turn.IsCompleted).Should().Be(4);

        _time.Advance(TimeSpan.FromMilliseconds(500));
        turns.Count(turn => turn.IsCompleted).Should().BeInRange(4, 4 + 5);
        _time.Advance(TimeSpan.FromSeconds(2));

        await Task.WhenAll(turns).WaitAsync(TimeSpan.FromSeconds(5));
    }

    private static readonly EndPoint s_endpoint = new DnsEndPoint("redis", 6379);

    private Socket Open()
    {
        var options = new ConfigurationOptions();
        _sockets.Attach(options);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        options.BeforeSocketConnect!(s_endpoint, ConnectionType.Subscription, socket);
        return socket;
    }

    private int Pause(int retries) => Enumerable.Range(0, 6000).First(elapsed => _policy.ShouldRetry(retries, elapsed));
}
