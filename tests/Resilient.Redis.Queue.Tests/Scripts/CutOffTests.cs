using Resilient.Redis.Queue.Storage;
using Resilient.Redis.TestKit;
using StackExchange.Redis;

namespace Resilient.Redis.Queue.Tests.Scripts;

/// <summary>Redis does not roll back: a script that is cut off in the middle leaves a job in two places, which heals, and never in none (rule R2).</summary>
/// <remarks>The cut is made by a key of another type, on which the first write of the new place fails.</remarks>
public sealed class CutOffTests(BothServers servers) : ScriptTests(servers)
{
    [Theory, OnBothServers]
    public async Task Enqueue_that_could_not_put_the_job_in_line_has_not_made_its_id_known(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await queue.Database.StringSetAsync(queue.Keys.Waiting, "no list");

        await FluentActions.Awaiting(() => queue.EnqueueAsync("a")).Should().ThrowAsync<RedisServerException>();

        (await queue.InspectAsync("a")).Should().BeNull("a retry would find the id known, and the job in no line");
        await queue.Database.KeyDeleteAsync(queue.Keys.Waiting);
        (await queue.EnqueueAsync("a")).Should().Be(ReplyCode.Accepted);
        (await queue.StateAsync()).CheckInvariants();
    }

    [Theory, OnBothServers]
    public async Task Settlement_that_was_cut_off_leaves_the_lease_and_is_accepted_once_more(ServerKind kind)
    {
        foreach (var outcome in (Outcome[])[new Outcome.Failed(TimeSpan.Zero, "failed"), Outcome.Returned.Instance])
        {
            var queue = await QueueAsync(kind);
            await queue.EnqueueAsync("a");
            var worker = queue.Worker("w");
            var job = (await worker.ClaimAsync()).Single();
            await queue.Database.StringSetAsync(queue.Keys.Waiting, "no list");
            await FluentActions.Awaiting(() => worker.SettleAsync(job, outcome)).Should().ThrowAsync<RedisServerException>();
            await queue.Database.KeyDeleteAsync(queue.Keys.Waiting);

            (await queue.StateAsync()).Active.Keys.Should().Equal(["a"], "the job has not left its old place before it is in the new one");
            (await worker.RepeatAsync(worker.Sequence, 0, false, new Settlement(job.Lease, outcome, true))).Settlements.Single()
                .Should().Be(new SettlementReply(ReplyCode.Accepted, JobState.Waiting));

            var state = await queue.StateAsync();
            state.Jobs["a"].Attempt.Should().Be(outcome is Outcome.Failed ? 1 : 0);
            state.CheckInvariants();
        }
    }

    [Theory, OnBothServers]
    public async Task Recovery_that_was_cut_off_is_made_at_the_next_look(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await StandingJob.SeedAsync(queue, Standing.Expired);
        await queue.Database.StringSetAsync(queue.Keys.Waiting, "no list");
        var survivor = queue.Worker("survivor");
        await FluentActions.Awaiting(() => survivor.LookAsync()).Should().ThrowAsync<RedisServerException>();
        await queue.Database.KeyDeleteAsync(queue.Keys.Waiting);

        await survivor.LookAsync();

        var state = await queue.StateAsync();
        state.Waiting.Should().Equal(StandingJob.Id);
        state.CheckInvariants();
    }

    /// <summary>The copy in the other place is dropped as soon as it is met.</summary>
    [Theory, OnBothServers]
    public async Task Job_in_two_places_runs_once(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        var seeded = await StandingJob.SeedAsync(queue, Standing.ActiveMine);
        await queue.Database.ListLeftPushAsync(queue.Keys.Waiting, StandingJob.Id);
        await queue.Database.SortedSetAddAsync(queue.Keys.Scheduled, StandingJob.Id, Start);

        (await queue.Worker("other").ClaimAsync(5)).Should().BeEmpty();

        (await seeded.Me.CallAsync(0, false, new Settlement(seeded.Lease, new Outcome.Completed(default), true))).Settlements.Single().Code.Should().Be(ReplyCode.Accepted);
        (await queue.StateAsync()).CheckInvariants();
    }
}
