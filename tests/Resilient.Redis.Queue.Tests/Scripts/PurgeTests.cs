using Resilient.Redis.Queue.Storage;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Scripts;

public sealed class PurgeTests(BothServers servers) : ScriptTests(servers)
{
    [Theory, OnBothServersInEachStanding]
    public async Task Each_state_is_purged_of_the_jobs_that_stand_in_it_and_of_no_other(ServerKind kind, Standing standing)
    {
        foreach (var state in Enum.GetValues<JobState>().Except([JobState.Active]))
        {
            var queue = await QueueAsync(kind);
            await StandingJob.SeedAsync(queue, standing);
            var before = await queue.StateAsync();
            var stands = before.Jobs.TryGetValue(StandingJob.Id, out var job) && job.State == state && standing is not Standing.RecordDamaged;

            var reply = await PurgeAsync(queue, state, expected: null);

            var after = await queue.StateAsync();
            reply.Should().BeEquivalentTo(new { Code = ReplyCode.Accepted, Removed = stands ? 1 : 0 }, $"{state}");
            if (!stands)
            {
                after.Should().BeEquivalentTo(before, $"{state}");
                continue;
            }

            after.Jobs.Should().BeEmpty();
            after.Stat("removed").Should().Be(state is JobState.Completed or JobState.Cancelled ? 0 : 1);
            after.CheckInvariants();
            (await queue.EnqueueAsync(StandingJob.Id)).Should().Be(ReplyCode.Already, "a repeat of its enqueue may still come (rule R15)");
        }
    }

    [Theory, OnBothServers]
    public async Task Another_number_than_expected_removes_nothing(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await EnqueueManyAsync(queue, 3);
        await queue.EnqueueAsync("later", Seconds(10));
        var before = await queue.StateAsync();

        var reply = await PurgeAsync(queue, JobState.Waiting, expected: 2);

        reply.Should().BeEquivalentTo(new { Code = ReplyCode.Changed, Count = 3, Removed = 0 });
        (await PurgeAsync(queue, JobState.Scheduled, expected: 2)).Code.Should().Be(ReplyCode.Changed);
        (await PurgeAsync(queue, JobState.Dead, expected: 1)).Code.Should().Be(ReplyCode.Changed);
        (await queue.StateAsync()).Should().BeEquivalentTo(before);
    }

    [Theory, OnBothServers]
    public async Task What_comes_after_the_first_page_is_left(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await EnqueueManyAsync(queue, 3);
        await queue.EnqueueManyAsync([.. Enumerable.Range(0, 3).Select(i => TestQueue.Job($"later{i}", Seconds(60)))]);
        var first = await PurgeAsync(queue, JobState.Waiting, expected: 3, most: 2);
        await PurgeAsync(queue, JobState.Scheduled, expected: 3, most: 2);
        await queue.MoveToAsync(queue.Now + 1);
        await queue.EnqueueManyAsync(TestQueue.Job("new"), TestQueue.Job("newer", Seconds(1)));

        var rest = await PurgeAsync(queue, JobState.Waiting, null, notAfter: first.ServerTime);
        var restLater = await PurgeAsync(queue, JobState.Scheduled, null, notAfter: first.ServerTime);

        (first.Removed, rest.Removed).Should().Be((2, 1));
        restLater.Should().BeEquivalentTo(new { Removed = 1, Left = 1, Looked = 2 });
        var state = await queue.StateAsync();
        state.Waiting.Should().Equal("new");
        state.Scheduled.Keys.Should().Equal("newer");
        state.CheckInvariants();
    }

    [Theory, OnBothServers]
    public async Task Page_whose_first_reply_was_lost_tells_what_it_did(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await EnqueueManyAsync(queue, 5);

        var reply = await queue.ForgetfulStore().PurgeAsync(JobState.Waiting, 5, 0, 2, null, default);

        reply.Should().BeEquivalentTo(new { Code = ReplyCode.Accepted, Count = 5, Removed = 2, Looked = 2 });
        var state = await queue.StateAsync();
        state.Waiting.Should().Equal("job2", "job3", "job4");
        state.CheckInvariants();
    }

    /// <summary>Copies, ids without a record, damaged records, unique keys, suspects, and what is passed over.</summary>
    [Theory, OnBothServers]
    public async Task Line_with_all_that_can_be_in_it_is_conserved(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await EnqueueManyAsync(queue, 6);
        await queue.EnqueueManyAsync(TestQueue.Job("unique") with { UniqueKey = "k" });
        await queue.Worker("w").ClaimAsync();
        await queue.Database.ListRightPushAsync(queue.Keys.Waiting, ["job0", "job1"]); // one that runs, one that waits
        await queue.DeleteRecordAsync("job2");
        await queue.DamageAsync("job3");
        await queue.Database.ListRemoveAsync(queue.Keys.Waiting, "job4");
        await queue.Database.ListRightPushAsync(queue.Keys.Suspect, "job4");
        await queue.Store.CancelAsync(new JobId("job5"), "x", default);
        await queue.Database.ListLeftPushAsync(queue.Keys.Waiting, "job5");
        await queue.Database.SetAddAsync(queue.Keys.Skip, "job5");

        var removed = 0;
        for (var looked = 1; looked > 0;)
        {
            var page = await PurgeAsync(queue, JobState.Waiting, null);
            (removed, looked) = (removed + page.Removed, page.Looked);
        }

        removed.Should().Be(4);
        var state = await queue.StateAsync();
        state.Should().BeEquivalentTo(new { Waiting = Array.Empty<string>(), Suspect = Array.Empty<string>(), Done = new[] { "job5" } });
        state.Active.Keys.Should().Equal("job0");
        state.Stat("lost").Should().Be(1);
        state.Stat("dropped").Should().Be(2);
        (await queue.Database.KeyExistsAsync(queue.Keys.Unique("k"))).Should().BeFalse();
        (await queue.Database.KeyExistsAsync(queue.Keys.Skip)).Should().BeFalse();
        state.CheckInvariants();
    }

    private static ValueTask<PurgeReply> PurgeAsync(TestQueue queue, JobState state, long? expected, int most = 100, long? notAfter = null) =>
        queue.Store.PurgeAsync(state, expected, 0, most, notAfter, default);
}
