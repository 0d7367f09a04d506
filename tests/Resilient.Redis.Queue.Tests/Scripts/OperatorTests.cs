using Resilient.Redis.Queue.Storage;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Scripts;

/// <summary>Requeue, against every standing of a job; pause and drain.</summary>
public sealed class OperatorTests(BothServers servers) : ScriptTests(servers)
{
    [Theory, OnBothServersInEachStanding]
    public async Task Only_a_dead_job_is_requeued_with_all_its_attempts(ServerKind kind, Standing standing)
    {
        var queue = await QueueAsync(kind);
        await StandingJob.SeedAsync(queue, standing);
        var before = await queue.StateAsync();

        var code = await queue.Store.RequeueAsync(new JobId(StandingJob.Id), default);

        var state = await queue.StateAsync();
        if (standing is not Standing.Dead)
        {
            code.Should().Be(ReplyCode.Gone);
            state.Should().BeEquivalentTo(before);
            return;
        }

        code.Should().Be(ReplyCode.Accepted);
        state.Jobs[StandingJob.Id].Should().BeEquivalentTo(new { State = JobState.Waiting, Attempt = 0, Lapses = 0, Error = "hopeless" });
        state.CheckInvariants();
        (await queue.Worker("next").ClaimAsync()).Should().ContainSingle().Which.Attempt.Should().Be(1);
        (await queue.Store.RequeueAsync(new JobId(StandingJob.Id), default)).Should().Be(ReplyCode.Gone);
    }

    [Theory, OnBothServers]
    public async Task Requeue_whose_first_reply_was_lost_says_that_it_was_done(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await StandingJob.SeedAsync(queue, Standing.Dead);

        (await queue.ForgetfulStore().RequeueAsync(new JobId(StandingJob.Id), default)).Should().Be(ReplyCode.Accepted);

        var state = await queue.StateAsync();
        state.Waiting.Should().Equal(StandingJob.Id);
        state.Stat("requeued").Should().Be(1);
        state.CheckInvariants();
    }

    [Theory, OnBothServers]
    public async Task Paused_queue_hands_out_nothing_and_goes_on_where_it_was(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await EnqueueManyAsync(queue, 2);
        var worker = queue.Worker("me");
        var job = (await worker.ClaimAsync()).Single();

        (await queue.Store.PauseAsync(true, default)).Should().Be(ReplyCode.Accepted);
        (await queue.Store.PauseAsync(true, default)).Should().Be(ReplyCode.Already);
        var reply = await worker.CallAsync(5);

        reply.Jobs.Should().BeEmpty();
        reply.More.Should().BeFalse("another call at once would find nothing either");
        (await worker.ExtendAsync(job)).Should().Be(ReplyCode.Accepted);
        (await worker.CallAsync(5, true, new Settlement(job, new Outcome.Completed(default), true))).Jobs.Should().BeEmpty();
        var state = await queue.StateAsync();
        state.Waiting.Should().Equal("job1");
        state.Idle.Should().Equal("me");
        state.CheckInvariants();
        (await queue.Store.CountAsync(default)).IsPaused.Should().BeTrue();

        (await queue.Store.PauseAsync(false, default)).Should().Be(ReplyCode.Accepted);
        (await queue.Store.PauseAsync(false, default)).Should().Be(ReplyCode.Already);
        (await queue.StateAsync()).Idle.Should().BeEmpty("it was rung for");
        (await worker.ClaimAsync()).Should().ContainSingle();
    }

    [Theory, OnBothServers]
    public async Task Draining_queue_refuses_new_jobs_knows_repeats_and_works_off_what_is_there(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await queue.EnqueueAsync("a");
        var worker = queue.Worker("me");

        (await queue.Store.DrainAsync(default)).Should().Be(ReplyCode.Accepted);
        (await queue.Store.DrainAsync(default)).Should().Be(ReplyCode.Already);
        var before = await queue.StateAsync();

        (await queue.EnqueueManyAsync(TestQueue.Job("b"), TestQueue.Job("a"), TestQueue.Job("c", Seconds(1)))).Should()
            .Equal([ReplyCode.Draining, ReplyCode.Already, ReplyCode.Draining], "a call is taken whole or not, and a repeat gets the answer of its first attempt");
        (await queue.StateAsync()).Should().BeEquivalentTo(before);
        (await queue.Store.CountAsync(default)).IsDraining.Should().BeTrue();
        var job = (await worker.ClaimAsync()).Single();
        await worker.SettleAsync(job, new Outcome.Completed(default, [new FollowUp(TestQueue.Job("follow-up"), "")]));
        job = (await worker.ClaimAsync()).Should().ContainSingle().Subject;
        await worker.SettleAsync(job, new Outcome.Failed(Seconds(1), "x"));
        await queue.MoveToAsync(queue.Now + 1000);
        (await worker.ClaimAsync()).Should().ContainSingle("retries and follow-ups of what is in it still come");

        (await queue.Store.PauseAsync(false, default)).Should().Be(ReplyCode.Accepted);
        (await queue.EnqueueAsync("b")).Should().Be(ReplyCode.Accepted);
        (await queue.StateAsync()).CheckInvariants();
    }
}
