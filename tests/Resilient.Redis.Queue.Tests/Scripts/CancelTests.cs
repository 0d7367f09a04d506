using Resilient.Redis.Queue.Storage;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Scripts;

public sealed class CancelTests(BothServers servers) : ScriptTests(servers)
{
    [Theory, OnBothServersInEachStanding]
    public async Task Cancel_ends_what_waits_tells_what_runs_and_leaves_the_rest(ServerKind kind, Standing standing)
    {
        var queue = await QueueAsync(kind);
        await StandingJob.SeedAsync(queue, standing);
        var before = await queue.StateAsync();

        var code = await CancelAsync(queue);

        var state = await queue.StateAsync();
        switch (standing)
        {
            case Standing.Unknown or Standing.RecordMissing:
                code.Should().Be(ReplyCode.Gone);
                state.Should().BeEquivalentTo(before);
                return;
            case Standing.Completed or Standing.Dead or Standing.RecordDamaged:
                code.Should().Be(ReplyCode.Ended);
                state.Should().BeEquivalentTo(before);
                return;
            case Standing.Waiting or Standing.Scheduled or Standing.Recovered or Standing.Retried:
                code.Should().Be(ReplyCode.Accepted);
                state.Jobs[StandingJob.Id].Should().BeEquivalentTo(new { State = JobState.Cancelled, Error = "no longer wanted" });
                state.Done.Should().Equal(StandingJob.Id);
                break;
            default:
                code.Should().Be(ReplyCode.Already);
                state.Jobs[StandingJob.Id].Should().BeEquivalentTo(new { State = JobState.Active, CancelReason = "no longer wanted" });
                break;
        }

        state.CheckInvariants();
        (await queue.EnqueueAsync(StandingJob.Id)).Should().Be(ReplyCode.Already, "a repeat of its enqueue must not bring it back");
    }

    [Theory, OnBothServers]
    public async Task Every_way_to_stop_a_cancelled_job_but_completion_and_death_ends_it(ServerKind kind)
    {
        Outcome[] outcomes =
        [
            new Outcome.Failed(Seconds(1), "x"), new Outcome.PutOff(Seconds(1), "x"), new Outcome.Unknown(Seconds(1), "x"), Outcome.Returned.Instance,
        ];
        foreach (var outcome in outcomes)
        {
            var queue = await QueueAsync(kind);
            var seeded = await StandingJob.SeedAsync(queue, Standing.ActiveMine);
            await CancelAsync(queue);

            (await SettleAsync(seeded, outcome)).Should().Be(new SettlementReply(ReplyCode.Accepted, JobState.Cancelled), outcome.GetType().Name);
            (await SettleAsync(seeded, outcome)).Code.Should().Be(ReplyCode.Already);
            (await queue.StateAsync()).CheckInvariants();
        }
    }

    [Theory, OnBothServers]
    public async Task Job_that_completes_before_it_hears_of_the_cancel_is_completed(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        var seeded = await StandingJob.SeedAsync(queue, Standing.ActiveMine);
        await CancelAsync(queue);

        (await SettleAsync(seeded, new Outcome.Completed(default))).State.Should().Be(JobState.Completed);

        (await queue.StateAsync()).CheckInvariants();
    }

    [Theory, OnBothServers]
    public async Task Cancelled_job_whose_worker_dies_is_not_run_again(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await StandingJob.SeedAsync(queue, Standing.ActiveMine);
        await CancelAsync(queue);

        await queue.PassAsync(Seconds(12), queue.Worker("other"));

        var state = await queue.StateAsync();
        state.Jobs[StandingJob.Id].State.Should().Be(JobState.Cancelled);
        (await queue.Worker("other").ClaimAsync()).Should().BeEmpty();
        state.CheckInvariants();
    }

    [Theory, OnBothServers]
    public async Task Extend_tells_which_jobs_to_cancel_and_why_and_carries_progress(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await EnqueueManyAsync(queue, 3);
        var worker = queue.Worker("me");
        var jobs = await worker.ClaimAsync(3);
        await queue.Store.CancelAsync(jobs[1].Lease.Id, "why not", default);

        var reply = queue.Store.Extend(queue.Database, worker.Session, [.. jobs.Select((job, i) => new Extension(job.Lease, true, i == 2 ? "0.5 half" : ""))]);

        reply.Codes.Should().Equal(ReplyCode.Accepted, ReplyCode.Accepted, ReplyCode.Accepted);
        reply.Cancelled.Should().Equal((1, "why not"));
        (await queue.InspectAsync("job2"))!.Progress.Should().Be(new JobProgress(0.5, "half"));
        queue.Store.Extend(queue.Database, "somebody else", [new Extension(jobs[2].Lease, true, "0.9")]).Codes.Should().Equal(ReplyCode.Lost);
        (await queue.InspectAsync("job2"))!.Progress!.Fraction.Should().Be(0.5, "a zombie reports nothing (promise 4)");
    }

    private static ValueTask<ReplyCode> CancelAsync(TestQueue queue) => queue.Store.CancelAsync(new JobId(StandingJob.Id), "no longer wanted", default);

    private static async Task<SettlementReply> SettleAsync(StandingJob seeded, Outcome outcome) =>
        (await seeded.Me.CallAsync(0, false, new Settlement(seeded.Lease, outcome, true))).Settlements[0];
}
