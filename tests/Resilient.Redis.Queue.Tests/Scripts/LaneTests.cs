using Resilient.Redis.Queue.Storage;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Scripts;

/// <summary>Rule R12: any reply can be lost after the script ran, so the same number again is answered again.</summary>
public sealed class LaneTests(BothServers servers) : ScriptTests(servers)
{
    [Theory, OnBothServers]
    public async Task Same_number_again_brings_the_same_jobs_leased_from_now(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await EnqueueManyAsync(queue, 5);
        var worker = queue.Worker("w");
        var first = await worker.CallAsync(3);
        await queue.MoveToAsync(Start + 2000);

        var again = await worker.RepeatAsync(worker.Sequence, 3);

        again.Code.Should().Be(ReplyCode.Accepted);
        again.Jobs.Should().BeEquivalentTo(first.Jobs, options => options.WithStrictOrdering().Excluding(job => job.Body));
        again.Jobs.Select(job => job.Body.ToArray()).Should().BeEquivalentTo(first.Jobs.Select(job => job.Body.ToArray()));
        var state = await queue.StateAsync();
        state.Waiting.Should().Equal("job3", "job4");
        state.Active.Values.Should().Equal(Start + 12_000, Start + 12_000, Start + 12_000);
        state.CheckInvariants();
    }

    [Theory, OnBothServers]
    public async Task Same_number_again_settles_nothing_twice_and_repeats_the_codes(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await EnqueueManyAsync(queue, 4);
        var worker = queue.Worker("w");
        var jobs = await worker.ClaimAsync(2);
        var stranger = new Lease(new JobId("job3"), 1);
        Settlement[] settlements =
        [
            new(jobs[0].Lease, new Outcome.Failed(TimeSpan.Zero, "failed"), true),
            new(jobs[1].Lease, new Outcome.Completed(default), true),
            new(stranger, new Outcome.Completed(default), true),
            new(new Lease(new JobId("unknown"), 1), new Outcome.Completed(default), true),
        ];
        var first = await worker.CallAsync(1, true, settlements);
        var before = await queue.StateAsync();

        var again = await worker.RepeatAsync(worker.Sequence, 1, true, settlements);

        again.Settlements.Should().Equal(first.Settlements).And.Equal(
            new SettlementReply(ReplyCode.Accepted, JobState.Waiting),
            new SettlementReply(ReplyCode.Accepted, JobState.Completed),
            new SettlementReply(ReplyCode.Lost, JobState.Waiting),
            new SettlementReply(ReplyCode.Gone, null));
        again.Jobs.Select(job => job.Lease).Should().Equal(first.Jobs.Select(job => job.Lease));
        (await queue.StateAsync()).Should().BeEquivalentTo(before, options => options.WithStrictOrdering());
    }

    [Theory, OnBothServers]
    public async Task Same_number_again_leaves_out_what_is_not_held_any_more(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await EnqueueManyAsync(queue, 3);
        var worker = queue.Worker("w");
        var jobs = await worker.ClaimAsync(3);
        var other = queue.Worker("other");
        await queue.PassAsync(Seconds(8), other);
        await worker.ExtendAsync(jobs[1]);
        await queue.PassAsync(Seconds(2), other);
        await other.ClaimAsync();

        var again = await worker.RepeatAsync(worker.Sequence, 3);

        again.Jobs.Select(job => job.Lease).Should().Equal(jobs[1].Lease);
        var state = await queue.StateAsync();
        state.Active.Keys.Should().BeEquivalentTo("job0", "job1");
        state.Waiting.Should().Equal("job2");
        state.CheckInvariants();
    }

    [Theory, OnBothServers]
    public async Task Same_number_again_in_time_rescues_leases_that_expired_unseen(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        var seeded = await StandingJob.SeedAsync(queue, Standing.Expired);

        var again = await seeded.Me.RepeatAsync(seeded.Me.Sequence, 1);

        again.Jobs.Single().Lease.Should().Be(seeded.Lease);
        (await queue.StateAsync()).Active[StandingJob.Id].Should().Be(queue.Now + 10_000);
    }

    [Theory, OnBothServers]
    public async Task Lower_number_changes_nothing(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await EnqueueManyAsync(queue, 3);
        var worker = queue.Worker("w");
        var job = (await worker.ClaimAsync()).Single();
        await worker.LookAsync();
        await queue.MoveToAsync(Start + 60_000);
        var before = await queue.StateAsync();

        var late = await worker.RepeatAsync(1, 2);
        var lateSettlement = await worker.RepeatAsync(1, 2, true, new Settlement(job, new Outcome.Completed(default), true));

        foreach (var reply in new[] { late, lateSettlement })
        {
            reply.Code.Should().Be(ReplyCode.Stale);
            reply.Jobs.Should().BeEmpty();
            reply.Settlements.Should().BeEmpty();
            reply.More.Should().BeFalse();
        }

        (await queue.StateAsync()).Should().BeEquivalentTo(before, options => options.WithStrictOrdering());
    }

    [Theory, OnBothServers]
    public async Task Higher_number_with_holes_is_accepted(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await EnqueueManyAsync(queue, 2);
        var worker = queue.Worker("w");

        (await worker.RepeatAsync(7, 1)).Jobs.Should().ContainSingle();
        (await worker.RepeatAsync(1_000_000, 1)).Jobs.Should().ContainSingle();
        (await worker.RepeatAsync(7, 1)).Code.Should().Be(ReplyCode.Stale);
    }

    [Theory, OnBothServers]
    public async Task Lanes_of_a_session_and_sessions_count_for_themselves(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await EnqueueManyAsync(queue, 3);

        foreach (var (session, lane) in new[] { ("a", 0), ("a", 1), ("b", 0) })
            (await queue.Store.WorkAsync(session, lane, new WorkCall(1, 1, true, []), default)).Jobs.Should().ContainSingle();
    }

    /// <summary>Rule R13: a settlement that is sent again under a new number is decided by its job.</summary>
    [Theory, OnBothServers]
    public async Task Settlement_again_under_a_new_number_is_answered_already(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        var seeded = await StandingJob.SeedAsync(queue, Standing.ActiveMine);
        var settlement = new Settlement(seeded.Lease, new Outcome.Completed(default), true);
        await seeded.Me.CallAsync(0, false, settlement);

        var again = await seeded.Me.CallAsync(0, false, settlement);

        again.Settlements.Single().Should().Be(new SettlementReply(ReplyCode.Already, JobState.Completed));
        var state = await queue.StateAsync();
        state.Stat("completed").Should().Be(1);
        state.CheckInvariants();
    }

    [Theory, OnBothServers]
    public async Task Repeat_of_a_claim_that_found_nothing_finds_nothing(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        var worker = queue.Worker("w");
        await worker.ClaimAsync();
        await queue.EnqueueAsync("a");

        var again = await worker.RepeatAsync(worker.Sequence, 1);

        again.Jobs.Should().BeEmpty();
        again.More.Should().BeTrue("the next number would find the job");
        (await worker.ClaimAsync()).Should().ContainSingle();
    }
}
