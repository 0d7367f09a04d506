using System.Diagnostics;
using System.Globalization;
using Resilient.Redis.Queue.Tests.Integration;
using Resilient.Redis.TestKit;
using StackExchange.Redis;
using Xunit.Abstractions;

namespace Resilient.Redis.Queue.Tests.Promises;

/// <summary>All attempts of one enqueue make one job, over connections that break at every byte, fall silent or are late; one that arrives after the call's validity makes none.</summary>
public sealed class Promise3_OneEnqueueMakesOneJob(ITestOutputHelper output) : PromiseTest(output)
{
    [NeedsRedisServerFact("a server of its own")]
    public async Task Connection_cut_at_any_byte_of_request_or_reply_makes_exactly_one_job()
    {
        await using var proxy = FaultProxy.Start(Redis);
        await using var host = await StartAsync(endpoint: proxy.Endpoint);
        await host.Queue.EnqueueAsync(new DoJob("warm")); // the script is known to the server, so that requests are short
        var expected = 1;

        // A request is some 450 bytes, a reply some 30: the steps meet every part of both.
        foreach (var cut in Enumerable.Range(0, 50).Select(step => step * 11L))
        {
            proxy.CutAfterRequestBytes(cut);
            await EnqueueUntilConfirmedAsync(host, new DoJob($"request {cut}"));
            expected++;
        }

        for (var cut = 0L; cut < 40; cut++)
        {
            proxy.CutAfterReplyBytes(cut);
            await EnqueueUntilConfirmedAsync(host, new DoJob($"reply {cut}"));
            expected++;
        }

        (await host.Admin.CountAsync()).Should().BeEquivalentTo(new { Waiting = expected, TotalAccepted = expected });
    }

    [NeedsRedisServerFact("a server of its own")]
    public async Task Silent_connection_is_dropped_by_the_ping_and_the_retry_succeeds()
    {
        await using var proxy = FaultProxy.Start(Redis);
        await using var host = await StartAsync(endpoint: proxy.Endpoint, redis: o => o.AttemptTimeout = TimeSpan.FromMilliseconds(500));
        await host.Queue.EnqueueAsync(new DoJob("warm"));

        proxy.Silence();
        var clock = Stopwatch.StartNew();
        var (id, _) = await host.Queue.EnqueueAsync(new DoJob("x"));

        // The attempt's time-out, up to one heartbeat late; the ping's; a connect and the second attempt.
        clock.Elapsed.Should().BeLessThan(TimeSpan.FromSeconds(5));
        (await host.Queue.GetAsync(id))!.State.Should().Be(JobState.Waiting);
        (await host.Admin.CountAsync()).TotalAccepted.Should().Be(2);
    }

    /// <summary>Nothing breaks and nothing is refused: bytes are swallowed from some place on.</summary>
    [NeedsRedisServerFact("a server of its own")]
    public async Task Connection_that_falls_silent_at_any_byte_makes_exactly_one_job()
    {
        await using var proxy = FaultProxy.Start(Redis);
        await using var host = await StartAsync(endpoint: proxy.Endpoint, redis: o => o.AttemptTimeout = TimeSpan.FromMilliseconds(250));
        await host.Queue.EnqueueAsync(new DoJob("warm"));
        var expected = 1;

        foreach (var place in (long[])[1, 90, 200, 330, 420])
        {
            proxy.SilenceAfterRequestBytes(place);
            await EnqueueUntilConfirmedAsync(host, new DoJob($"request {place}"));
            expected++;
        }

        foreach (var place in (long[])[0, 7, 15, 23])
        {
            proxy.SilenceAfterReplyBytes(place);
            await EnqueueUntilConfirmedAsync(host, new DoJob($"reply {place}"));
            expected++;
        }

        (await host.Admin.CountAsync()).Should().BeEquivalentTo(new { Waiting = expected, TotalAccepted = expected });
    }

    /// <summary>The network has the request and delivers it when nobody waits for it any more.</summary>
    [NeedsRedisServerFact("a server of its own")]
    public async Task Attempt_that_the_network_held_back_for_longer_than_its_validity_is_refused()
    {
        var validity = TimeSpan.FromSeconds(1);
        await using var proxy = FaultProxy.Start(Redis);
        await using var beside = await StartAsync();
        await using var host = await StartAsync(endpoint: proxy.Endpoint, redis: o => (o.AttemptTimeout, o.TotalTimeout) = (TimeSpan.FromMilliseconds(300), validity));
        await host.Queue.EnqueueAsync(new DoJob("warm"));
        await using var raw = await Redis.ConnectAsync();
        var before = await CallsOfAsync(raw);

        proxy.Delay = 2 * validity;
        var failed = await FluentActions.Awaiting(() => host.Queue.EnqueueAsync(new DoJob("x")).AsTask()).Should().ThrowAsync<RedisUnavailableException>();
        failed.Which.MayHaveExecuted.Should().BeTrue();

        // It did arrive, and made nothing.
        await Eventually.TrueAsync(async () => await CallsOfAsync(raw) > before, Deadline, () => "the held back request never arrived");
        (await beside.Admin.CountAsync()).TotalAccepted.Should().Be(1);
    }

    [NeedsRedisServerFact("SIGSTOP is for a process of its own")]
    public async Task Attempt_that_arrives_after_its_call_is_over_is_refused()
    {
        await using var proxy = FaultProxy.Start(Redis);
        await using var host = await StartAsync(endpoint: proxy.Endpoint, redis: o => (o.AttemptTimeout, o.TotalTimeout) = (TimeSpan.FromMilliseconds(200), TimeSpan.FromMilliseconds(1000)));
        await host.Queue.EnqueueAsync(new DoJob("warm"));

        Redis.Freeze();
        var failed = await FluentActions.Awaiting(() => host.Queue.EnqueueAsync(new DoJob("x")).AsTask()).Should().ThrowAsync<RedisUnavailableException>();
        failed.Which.MayHaveExecuted.Should().BeTrue();
        await Task.Delay(TimeSpan.FromSeconds(1.5)); // the server's clock has to run past the call's validity: there is nothing to await
        Redis.Thaw();

        // The frozen server has the request in its socket and runs it now, too late.
        await Eventually.TrueAsync(async () => await CountsAsync(host) is { TotalAccepted: 1 }, TimeSpan.FromSeconds(10));
        await using var raw = await Redis.ConnectAsync();
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

    /// <summary>How many enqueues have reached the server: they are the only calls that write.</summary>
    private static async Task<long> CallsOfAsync(ConnectionMultiplexer connection)
    {
        var stats = await connection.GetServers()[0].InfoAsync("commandstats");
        var calls = stats.SelectMany(section => section).FirstOrDefault(line => line.Key == "cmdstat_evalsha").Value;
        return calls is null ? 0 : long.Parse(calls.Split(',')[0]["calls=".Length..], CultureInfo.InvariantCulture);
    }
}
