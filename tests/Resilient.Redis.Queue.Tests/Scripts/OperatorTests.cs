using Resilient.Redis.Queue.Storage;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Scripts;

/// <summary>Requeue, remove and pause, against every standing of a job.</summary>
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

    [Theory, OnBothServersInEachStanding]
    public async Task Only_a_dead_job_is_removed_and_its_id_is_remembered(ServerKind kind, Standing standing)
    {
        var queue = await QueueAsync(kind);
        await StandingJob.SeedAsync(queue, standing);
        var before = await queue.StateAsync();

        var code = await queue.Store.RemoveAsync(new JobId(StandingJob.Id), default);

        var state = await queue.StateAsync();
        if (standing is not Standing.Dead)
        {
            code.Should().Be(ReplyCode.Gone);
            state.Should().BeEquivalentTo(before);
            return;
        }

        code.Should().Be(ReplyCode.Accepted);
        state.Dead.Should().BeEmpty();
        state.CheckInvariants();
        (await queue.EnqueueAsync(StandingJob.Id)).Should().Be(ReplyCode.Already, "a repeat of its enqueue may still come (rule R15)");
        await queue.PassAsync(Seconds(70), queue.Worker("me"));
        (await queue.StateAsync()).Jobs.Should().BeEmpty();
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
        (await worker.CallAsync(5, true, new Settlement(job.Lease, new Outcome.Completed(default), true))).Jobs.Should().BeEmpty();
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
}
