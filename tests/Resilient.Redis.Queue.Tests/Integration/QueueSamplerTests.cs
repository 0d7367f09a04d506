using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Resilient.Redis.Queue.Storage;
using Resilient.Redis.Queue.Tests.Scripts;
using Resilient.Redis.Queue.Worker;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Integration;

/// <summary>What health and gauges are told of a queue, under a clock that the test moves.</summary>
public sealed class QueueSamplerTests(BothServers servers) : ScriptTests(servers)
{
    private readonly FakeTimeProvider _time = new();

    [Theory, OnBothServers]
    public async Task Sample_is_what_the_queue_counts_and_is_taken_anew_when_it_is_old(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        var sampler = new QueueSampler(queue.Store, _time);
        sampler.Last.Should().BeNull();
        sampler.Age.Should().BeNull();
        using var stop = new CancellationTokenSource();

        var running = sampler.RunAsync(NullLogger.Instance, stop.Token);
        await Eventually.TrueAsync(() => sampler.Last is { Counts.Waiting: 0 }, Seconds(10));
        await queue.EnqueueAsync("a");
        _time.Advance(Seconds(9));
        sampler.Age.Should().Be(Seconds(9), "the next look comes after ten seconds at the earliest");

        await Eventually.TrueAsync(
            () =>
            {
                _time.Advance(Seconds(1));
                return sampler.Last is { Counts.Waiting: 1 };
            },
            Seconds(10));
        await stop.CancelAsync();
        await running.WaitAsync(Seconds(10));
    }

    [Theory, OnBothServers]
    public async Task Dead_count_as_growing_for_a_while_after_one_more_has_died_and_not_for_those_found_at_start(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        var worker = queue.Worker("w");
        var sampler = new QueueSampler(queue.Store, _time);
        await DieAsync("old");
        await sampler.SampleAsync(default);
        sampler.DeadGrow.Should().BeFalse("it may have died long ago");

        await DieAsync("new");
        await sampler.SampleAsync(default);
        sampler.DeadGrow.Should().BeTrue();
        _time.Advance(QueueSampler.Growing - Seconds(1));
        await sampler.SampleAsync(default);
        sampler.DeadGrow.Should().BeTrue();

        _time.Advance(Seconds(1));
        sampler.DeadGrow.Should().BeFalse();

        async Task DieAsync(string id)
        {
            await queue.EnqueueAsync(id);
            await worker.SettleAsync((await worker.ClaimAsync()).Single(), new Outcome.Dead("hopeless"));
        }
    }

    [NeedsRedisServerFact("a server of its own")]
    public async Task Redis_that_is_away_leaves_the_last_sample_and_ends_nothing()
    {
        await using var server = await RedisServer.StartAsync();
        await using var connection = await server.ConnectAsync();
        var queue = await TestQueue.AtAsync(Start, connection);
        var sampler = new QueueSampler(queue.Store, _time);
        var logs = new CollectedLogs();
        using var stop = new CancellationTokenSource();
        var running = sampler.RunAsync(logs.CreateLogger("worker"), stop.Token);
        await Eventually.TrueAsync(() => sampler.Last is not null, Seconds(10));
        var last = sampler.Last;

        await server.KillAsync();
        await Eventually.TrueAsync(
            () =>
            {
                _time.Advance(Seconds(12));
                return logs.Lines.Any(line => line.EventId.Id == 250);
            },
            Seconds(30));

        sampler.Last.Should().BeSameAs(last);
        running.IsCompleted.Should().BeFalse();
        await stop.CancelAsync();
        await running.WaitAsync(Seconds(15));
    }
}
