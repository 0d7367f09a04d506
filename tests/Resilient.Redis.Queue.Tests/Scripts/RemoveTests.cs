using Resilient.Redis.Queue.Storage;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Scripts;

public sealed class RemoveTests(BothServers servers) : ScriptTests(servers)
{
    private static readonly JobId s_id = new(StandingJob.Id);

    [Theory, OnBothServersInEachStanding]
    public async Task Job_that_does_not_run_is_removed_and_its_id_is_remembered(ServerKind kind, Standing standing)
    {
        var queue = await QueueAsync(kind);
        await StandingJob.SeedAsync(queue, standing);
        var before = await queue.StateAsync();

        var code = await queue.Store.RemoveAsync(s_id, default);

        var state = await queue.StateAsync();
        if (standing is not (Standing.Waiting or Standing.Scheduled or Standing.Recovered or Standing.Retried or Standing.Completed or Standing.Dead))
        {
            code.Should().Be(standing is Standing.Unknown or Standing.RecordMissing ? ReplyCode.Gone : ReplyCode.Running);
            state.Should().BeEquivalentTo(before);
            return;
        }

        code.Should().Be(ReplyCode.Accepted);
        state.Jobs.Should().BeEmpty();
        state.Stat("removed").Should().Be(standing is Standing.Completed ? 0 : 1, "what has completed is counted already");
        state.CheckInvariants();
        (await queue.Store.RemoveAsync(s_id, default)).Should().Be(ReplyCode.Gone);
        (await queue.Store.CancelAsync(s_id, "x", default)).Should().Be(ReplyCode.Gone);
        (await queue.EnqueueAsync(StandingJob.Id)).Should().Be(ReplyCode.Already, "a repeat of its enqueue may still come (rule R15)");
        (await queue.Database.KeyTimeToLiveAsync(queue.Keys.Job(s_id))).Should().BePositive().And.BeLessThanOrEqualTo(TimeSpan.FromMinutes(1));
        (await queue.Worker("next").ClaimAsync(5)).Should().BeEmpty();
        (await queue.StateAsync()).CheckInvariants();
    }

    [Theory, OnBothServers]
    public async Task Cancelled_and_damaged_jobs_are_removed_too(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await queue.EnqueueAsync("cancelled");
        await queue.Store.CancelAsync(new JobId("cancelled"), "x", default);
        await queue.EnqueueAsync("damaged");
        await queue.DamageAsync("damaged");

        (await queue.Store.RemoveAsync(new JobId("cancelled"), default)).Should().Be(ReplyCode.Accepted);
        (await queue.Store.RemoveAsync(new JobId("damaged"), default)).Should().Be(ReplyCode.Accepted);

        var state = await queue.StateAsync();
        state.Should().BeEquivalentTo(new { Waiting = Array.Empty<string>(), Done = Array.Empty<string>() });
        state.Stat("removed").Should().Be(1, "the cancelled one is counted already");
        state.CheckInvariants();
    }

    [Theory, OnBothServers]
    public async Task Remove_whose_first_reply_was_lost_says_that_it_was_done(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await queue.EnqueueAsync("a");

        (await queue.ForgetfulStore().RemoveAsync(new JobId("a"), default)).Should().Be(ReplyCode.Accepted);

        var state = await queue.StateAsync();
        state.Stat("removed").Should().Be(1);
        state.CheckInvariants();
    }

    [Theory, OnBothServers]
    public async Task Unique_key_of_a_removed_job_is_free(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await queue.EnqueueManyAsync(TestQueue.Job("a") with { UniqueKey = "k" });

        await queue.Store.RemoveAsync(new JobId("a"), default);

        (await queue.Database.KeyExistsAsync(queue.Keys.Unique("k"))).Should().BeFalse();
        (await queue.EnqueueManyAsync(TestQueue.Job("b") with { UniqueKey = "k" })).Should().Equal(ReplyCode.Accepted);
        (await queue.StateAsync()).CheckInvariants();
    }

    /// <summary>What came from an outbox may come again for a day, what no producer repeats any more leaves nothing.</summary>
    [Theory, OnBothServers]
    public async Task Id_is_remembered_as_long_as_its_producer_may_repeat_it(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await queue.EnqueueManyAsync(TestQueue.Job("outbox", keep: TimeSpan.FromDays(1)), TestQueue.Job("old"));
        await queue.MoveToAsync(Start + 60_000);

        await queue.Store.RemoveAsync(new JobId("outbox"), default);
        await queue.Store.RemoveAsync(new JobId("old"), default);

        (await queue.Database.KeyTimeToLiveAsync(queue.Keys.Job(new JobId("outbox")))).Should().BeCloseTo(TimeSpan.FromDays(1), TimeSpan.FromMinutes(2));
        (await queue.Database.KeyExistsAsync(queue.Keys.Job(new JobId("old")))).Should().BeFalse();
        (await queue.StateAsync()).CheckInvariants();
    }
}
