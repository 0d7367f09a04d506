using Resilient.Redis.Queue.Storage;
using Resilient.Redis.TestKit;
using StackExchange.Redis;

namespace Resilient.Redis.Queue.Tests.Scripts;

/// <summary>Follow-ups are committed with the completion, and only with it (promise 6, rule R22).</summary>
public sealed class FollowUpTests(BothServers servers) : ScriptTests(servers)
{
    [Theory, OnBothServersInEachStanding]
    public async Task Follow_ups_are_there_when_and_only_when_the_completion_was_accepted(ServerKind kind, Standing standing)
    {
        var queue = await QueueAsync(kind);
        var seeded = await StandingJob.SeedAsync(queue, standing);

        var reply = await SettleAsync(seeded, 0);

        var accepted = reply.Settlements[0] is { Code: ReplyCode.Accepted, State: JobState.Completed };
        accepted.Should().Be(standing is Standing.ActiveMine or Standing.Expired);
        var state = await queue.StateAsync();
        state.Jobs.ContainsKey("now").Should().Be(accepted);
        state.Scheduled.ContainsKey("later").Should().Be(accepted);
        (await queue.Store.ReadOutboxAsync(default)).Length.Should().Be(accepted ? 1 : 0);
        if (standing is not Standing.RecordMissing and not Standing.RecordDamaged)
            state.CheckInvariants();
    }

    [Theory, OnBothServers]
    public async Task Completion_behind_another_settlement_of_the_same_lease_makes_none(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        var seeded = await StandingJob.SeedAsync(queue, Standing.ActiveMine);

        var reply = await seeded.Me.CallAsync(0, false, new Settlement(seeded.Lease, new Outcome.Failed(TimeSpan.FromHours(1), "failed"), true), Settlement(seeded));

        reply.Settlements.Select(settled => settled.Code).Should().Equal(ReplyCode.Accepted, ReplyCode.Already);
        var state = await queue.StateAsync();
        state.Stat("accepted").Should().Be(1);
        state.CheckInvariants();
    }

    /// <summary>The natural chain: the next one under the same key. The key is given back by the very call that makes it.</summary>
    [Theory, OnBothServers]
    public async Task Follow_up_takes_over_the_unique_key_of_the_job_that_completes(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await queue.EnqueueManyAsync(TestQueue.Job("a") with { UniqueKey = "chain" }, TestQueue.Job("other") with { UniqueKey = "held" });
        var worker = queue.Worker("me");
        var job = (await worker.ClaimAsync()).Single();
        FollowUp[] followUps = [new(TestQueue.Job("b") with { UniqueKey = "chain" }, ""), new(TestQueue.Job("c") with { UniqueKey = "chain" }, ""), new(TestQueue.Job("d") with { UniqueKey = "held" }, "")];

        await worker.CallAsync(0, false, new Settlement(job.Lease, new Outcome.Completed(default, followUps), Started: true));

        var state = await queue.StateAsync();
        state.Waiting.Should().Equal("other", "b");
        (await queue.Database.StringGetAsync(queue.Keys.Unique("chain"))).Should().Be((RedisValue)"b");
        state.CheckInvariants();
    }

    [Theory, OnBothServers]
    public async Task Repeat_of_the_call_makes_none_twice(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        var seeded = await StandingJob.SeedAsync(queue, Standing.ActiveMine);
        await SettleAsync(seeded, 0);
        var before = await queue.StateAsync();

        await seeded.Me.RepeatAsync(seeded.Me.Sequence, 0, false, Settlement(seeded));
        (await SettleAsync(seeded, 0)).Settlements[0].Code.Should().Be(ReplyCode.Already, "another call with the same settlement");

        var state = await queue.StateAsync();
        state.Waiting.Should().Equal(before.Waiting);
        state.Stat("accepted").Should().Be(3);
        state.CheckInvariants();
    }

    [Theory, OnBothServers]
    public async Task Follow_up_can_be_claimed_by_the_call_that_made_it(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        var seeded = await StandingJob.SeedAsync(queue, Standing.ActiveMine);

        var reply = await SettleAsync(seeded, want: 1);

        reply.Jobs.Should().ContainSingle().Which.Lease.Id.Should().Be(new JobId("now"));
        (await queue.StateAsync()).CheckInvariants();
    }

    [Theory, OnBothServers]
    public async Task Outbox_keeps_all_of_a_follow_up_until_it_is_removed(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await SettleAsync(await StandingJob.SeedAsync(queue, Standing.ActiveMine), 0);

        var entry = (await queue.Store.ReadOutboxAsync(default)).Single();

        entry.Queue.Should().Be("elsewhere");
        entry.Due.Should().Be(Start + 3000);
        entry.Job.Should().BeEquivalentTo(Other() with { Delay = TimeSpan.Zero });
        await queue.Store.RemoveFromOutboxAsync([entry.Job.Id], default);
        (await queue.Store.ReadOutboxAsync(default)).Should().BeEmpty();
    }

    private static NewJob Other() => TestQueue.Job("other", Seconds(3)) with { UniqueKey = "u", UniqueFor = Seconds(9), Timeout = Seconds(7) };

    private static Settlement Settlement(StandingJob seeded) => new(
        seeded.Lease,
        new Outcome.Completed(
            default,
            [new FollowUp(TestQueue.Job("now"), ""), new FollowUp(TestQueue.Job("later", Seconds(5)), ""), new FollowUp(Other(), "elsewhere")]),
        Started: true);

    private static Task<WorkReply> SettleAsync(StandingJob seeded, int want) => seeded.Me.CallAsync(want, true, Settlement(seeded));
}
