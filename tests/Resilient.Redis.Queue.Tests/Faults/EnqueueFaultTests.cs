using Resilient.Redis.Queue.Tests.Integration;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Faults;

/// <summary>Enqueue over connections that break at every byte, fall silent or are reset: one call, one job.</summary>
public sealed class EnqueueFaultTests : IAsyncLifetime
{
    private TestServer _server = null!;
    private FaultProxy _proxy = null!;

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _proxy = FaultProxy.Start(_server);
    }

    public async Task DisposeAsync()
    {
        await _proxy.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Connection_cut_at_any_byte_of_request_or_reply_makes_exactly_one_job()
    {
        await using var host = await StartAsync();
        await host.Queue.EnqueueAsync(new DoJob("warm")); // the script is known to the server, so that requests are short
        var expected = 1;

        // A request is some 450 bytes, a reply some 30: the steps meet every part of both.
        foreach (var cut in Enumerable.Range(0, 50).Select(step => step * 11L))
        {
            _proxy.CutAfterRequestBytes(cut);
            await EnqueueUntilConfirmedAsync(host, new DoJob($"request {cut}"));
            expected++;
        }

        for (var cut = 0L; cut < 40; cut++)
        {
            _proxy.CutAfterReplyBytes(cut);
            await EnqueueUntilConfirmedAsync(host, new DoJob($"reply {cut}"));
            expected++;
        }

        (await host.Admin.CountAsync()).Should().BeEquivalentTo(new { Waiting = expected, TotalAccepted = expected });
    }

    [Fact]
    public async Task Silent_connection_is_dropped_by_the_ping_and_the_retry_succeeds()
    {
        await using var host = await StartAsync(o => o.AttemptTimeout = TimeSpan.FromMilliseconds(500));
        await host.Queue.EnqueueAsync(new DoJob("warm"));

        _proxy.Silence();
        var clock = System.Diagnostics.Stopwatch.StartNew();
        var (id, _) = await host.Queue.EnqueueAsync(new DoJob("x"));

        // The attempt's time-out, up to one heartbeat late; the ping's; a connect and the second attempt.
        clock.Elapsed.Should().BeLessThan(TimeSpan.FromSeconds(5));
        (await host.Queue.GetAsync(id))!.State.Should().Be(JobState.Waiting);
        (await host.Admin.CountAsync()).TotalAccepted.Should().Be(2);
    }

    [NeedsRedisServerFact("SIGSTOP is for a process of its own")]
    public async Task Attempt_that_arrives_after_its_call_is_over_is_refused()
    {
        var redis = (RedisServer)_server;
        await using var host = await StartAsync(o => (o.AttemptTimeout, o.TotalTimeout) = (TimeSpan.FromMilliseconds(200), TimeSpan.FromMilliseconds(1000)));
        await host.Queue.EnqueueAsync(new DoJob("warm"));

        redis.Freeze();
        var failed = await FluentActions.Awaiting(() => host.Queue.EnqueueAsync(new DoJob("x")).AsTask()).Should().ThrowAsync<RedisUnavailableException>();
        failed.Which.MayHaveExecuted.Should().BeTrue();
        await Task.Delay(TimeSpan.FromSeconds(1.5)); // the server's clock has to run past the call's validity: there is nothing to await
        redis.Thaw();

        // The frozen server has the request in its socket and runs it now, too late.
        await Eventually.TrueAsync(async () => await CanCountAsync(host) == 1, TimeSpan.FromSeconds(10));
        await using var raw = await redis.ConnectAsync();
        await raw.GetDatabase().PingAsync();
        (await host.Admin.CountAsync()).TotalAccepted.Should().Be(1);
    }

    /// <summary>Nearly always once. Where a reconnect takes longer than the retry waits, the error says what to do: the same id again.</summary>
    private static async Task EnqueueUntilConfirmedAsync(QueueHost host, DoJob job)
    {
        var options = new EnqueueOptions { Id = JobId.New() };
        for (var round = 0; ; round++)
        {
            try
            {
                await host.Queue.EnqueueAsync(job, options);
                return;
            }
            catch (RedisUnavailableException) when (round < 5)
            {
                await Task.Delay(200);
            }
        }
    }

    private static async Task<long> CanCountAsync(QueueHost host)
    {
        try
        {
            return (await host.Admin.CountAsync()).TotalAccepted;
        }
        catch (RedisUnavailableException)
        {
            return -1;
        }
    }

    private Task<QueueHost> StartAsync(Action<ResilientRedisOptions>? redis = null) => QueueHost.StartAsync(_proxy.Endpoint, redis: redis);
}
