using System.Collections.Concurrent;
using System.Diagnostics;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Integration;

/// <summary>Rule R21 with real workers: several of them keep one limit, and waste nothing of it.</summary>
public sealed class LimitTests(BothServers servers) : QueueTestBase(servers)
{
    [Theory, OnBothServers]
    public async Task Workers_together_never_run_more_than_allowed(ServerKind kind)
    {
        var (running, most) = (0, 0);
        Script.Do = async (_, _, token) =>
        {
            var now = Interlocked.Increment(ref running);
            InterlockedMax(ref most, now);
            await Task.Delay(20, token);
            Interlocked.Decrement(ref running);
        };
        var hosts = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => StartAsync(kind, o => (o.Concurrency, o.Prefetch) = (4, 2), o => o.MaxConcurrency = 3)));

        await hosts[0].Queue.EnqueueManyAsync(Enumerable.Range(0, 150).Select(i => new DoJob($"{i}")));

        await Eventually.TrueAsync(async () => (await hosts[0].Admin.CountAsync()).TotalCompleted == 150, TimeSpan.FromMinutes(1), () => hosts[0].Logs.Text);
        most.Should().Be(3, "never more, and no less when there is work");
        Script.Runs.Select(run => run.Id).Should().OnlyHaveUniqueItems();
        foreach (var host in hosts)
            await host.DisposeAsync();
    }

    [Theory, OnBothServers]
    public async Task Workers_together_start_no_more_than_allowed_and_are_done_in_time(ServerKind kind)
    {
        var starts = new ConcurrentQueue<TimeSpan>();
        var hosts = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => StartAsync(kind, o => o.Concurrency = 2, o => o.RateLimit = new(20, TimeSpan.FromSeconds(1)))));
        var clock = Stopwatch.StartNew();
        Script.Do = (_, _, _) =>
        {
            starts.Enqueue(clock.Elapsed);
            return Task.CompletedTask;
        };

        await hosts[0].Queue.EnqueueManyAsync(Enumerable.Range(0, 80).Select(i => new DoJob($"{i}")));

        await Eventually.TrueAsync(async () => (await hosts[0].Admin.CountAsync()).TotalCompleted == 80, TimeSpan.FromMinutes(1), () => hosts[0].Logs.Text);
        TimeSpan[] sorted = [.. starts.Order()];
        for (var i = 20; i < sorted.Length; i++)
            sorted[i].TotalMilliseconds.Should().BeGreaterThan((i - 19) * 50 - 60, $"start {i}: twenty at once, and then one each 50 ms");
        sorted[^1].Should().BeLessThan(TimeSpan.FromSeconds(20), "three seconds, and the machine's own delays: a worker that slept through its turns would take longer");
        foreach (var host in hosts)
            await host.DisposeAsync();
    }

    private static void InterlockedMax(ref int most, int value)
    {
        for (var before = Volatile.Read(ref most); before < value && Interlocked.CompareExchange(ref most, value, before) != before;)
            before = Volatile.Read(ref most);
    }
}
