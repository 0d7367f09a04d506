using Resilient.Redis.Queue.Storage;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Scripts;

/// <summary>For how long the next job has been ready: what tells that workers do not keep up.</summary>
public sealed class ReadySinceTests(BothServers servers) : ScriptTests(servers)
{
    /// <summary>Nobody looks in this test but the count: a queue without workers tells it too.</summary>
    [Theory, OnBothServers]
    public async Task Oldest_is_told_from_when_it_was_due(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        (await AgeAsync(queue)).Should().BeNull();
        await queue.EnqueueAsync("delayed", Seconds(10));
        await queue.MoveToAsync(Start + 9_999);
        (await AgeAsync(queue)).Should().BeNull("it is not ready yet");

        await queue.MoveToAsync(Start + 10_500);
        (await AgeAsync(queue)).Should().Be(Seconds(0.5), "it is due, although nobody has looked");
        await queue.EnqueueAsync("ready");
        await queue.MoveToAsync(Start + 11_000);
        (await AgeAsync(queue)).Should().Be(Seconds(1));

        await queue.Worker("w").LookAsync();
        await queue.MoveToAsync(Start + 12_000);
        (await AgeAsync(queue)).Should().Be(Seconds(1.5), "the head of the line was enqueued later than the other was due");
        (await queue.Worker("w").ClaimAsync()).Single().Lease.Id.Value.Should().Be("ready");
        (await AgeAsync(queue)).Should().Be(Seconds(2), "it counts from when it was due, not from when it was enqueued or promoted");
    }

    [Theory, OnBothServers]
    public async Task Job_that_comes_back_counts_anew(ServerKind kind)
    {
        (Outcome Outcome, double ReadyAfter)[] ends =
        [
            (new Outcome.Failed(TimeSpan.Zero, "x"), 0), (new Outcome.Failed(Seconds(3), "x"), 3), (new Outcome.PutOff(Seconds(3), "x"), 3),
            (new Outcome.Unknown(Seconds(3), "x"), 3), (Outcome.Returned.Instance, 0),
        ];
        foreach (var (outcome, readyAfter) in ends)
        {
            var queue = await QueueAsync(kind);
            await queue.EnqueueAsync("a");
            var worker = queue.Worker("w");
            var job = (await worker.ClaimAsync()).Single();
            await queue.MoveToAsync(Start + 1_000);
            await worker.SettleAsync(job, outcome);
            (await queue.InspectAsync("a"))!.EndedAt.Should().BeNull("it lives");

            await queue.MoveToAsync(Start + 5_000);
            await worker.LookAsync();

            (await AgeAsync(queue)).Should().Be(Seconds(4 - readyAfter), outcome.GetType().Name);
        }
    }

    [Theory, OnBothServers]
    public async Task So_does_one_whose_worker_was_lost_one_that_is_suspect_and_one_that_was_requeued(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        var (worker, lost) = (queue.Worker("w"), queue.Worker("lost"));
        await queue.EnqueueAsync("a");
        for (var times = 0; times < 2; times++)
        {
            (await lost.ClaimAsync()).Should().ContainSingle();
            await queue.PassAsync(Lease, worker);
            (await AgeAsync(queue)).Should().Be(TimeSpan.Zero, "it was given back a moment ago");
        }

        (await queue.StateAsync()).Suspect.Should().Equal("a");
        await queue.MoveToAsync(queue.Now + 1_000);
        (await AgeAsync(queue)).Should().Be(Seconds(1));

        await worker.SettleAsync((await worker.ClaimAsync()).Single(), new Outcome.Dead("x"));
        (await AgeAsync(queue)).Should().BeNull();
        await queue.MoveToAsync(queue.Now + 1_000);
        await queue.Store.RequeueAsync(new JobId("a"), default);
        await queue.MoveToAsync(queue.Now + 2_000);
        (await AgeAsync(queue)).Should().Be(Seconds(2));
    }

    [Theory, OnBothServers]
    public async Task Record_that_cannot_be_read_and_a_clock_that_was_set_back_make_no_age(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await queue.EnqueueAsync("a");
        await queue.DamageAsync("a");
        (await AgeAsync(queue)).Should().Be(TimeSpan.Zero);
        await queue.DeleteRecordAsync("a");
        (await AgeAsync(queue)).Should().Be(TimeSpan.Zero);

        var back = await QueueAsync(kind);
        await back.EnqueueAsync("a");
        await back.MoveToAsync(Start - 5_000);
        (await AgeAsync(back)).Should().Be(TimeSpan.Zero);
    }

    private static async Task<TimeSpan?> AgeAsync(TestQueue queue) => (await queue.Store.CountAsync(default)).OldestReadyAge;
}
