using Resilient.Redis.Queue.Storage;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Scripts;

/// <summary>What settle does not read, because the holder of the lease tells it: the head of a job's record that is as it was enqueued.</summary>
public sealed class ToldSettlementTests(BothServers servers) : ScriptTests(servers)
{
    private static readonly Outcome s_completed = new Outcome.Completed(default);

    [Theory, OnBothServersInEachStanding]
    public async Task Settlement_is_decided_by_session_and_token(ServerKind kind, Standing standing)
    {
        var queue = await QueueAsync(kind);
        var seeded = await StandingJob.SeedAsync(queue, standing);
        if (seeded.Job is null)
            return; // never claimed: there is nothing to tell
        var before = await queue.StateAsync();

        var reply = (await seeded.Me.CallAsync(0, false, new Settlement(seeded.Job, s_completed, true))).Settlements.Single();

        reply.Should().Be(standing switch
        {
            Standing.RecordMissing => new SettlementReply(ReplyCode.Gone, null),
            Standing.Recovered => new SettlementReply(ReplyCode.Lost, JobState.Waiting),
            Standing.ActiveOther or Standing.TakenByOther => new SettlementReply(ReplyCode.Lost, JobState.Active),
            Standing.Retried => new SettlementReply(ReplyCode.Already, JobState.Scheduled),
            Standing.Completed => new SettlementReply(ReplyCode.Already, JobState.Completed),
            Standing.Dead => new SettlementReply(ReplyCode.Already, JobState.Dead),
            // What is damaged is replaced.
            Standing.ActiveMine or Standing.Expired or Standing.RecordDamaged => new SettlementReply(ReplyCode.Accepted, JobState.Completed),
            _ => throw new ArgumentOutOfRangeException(nameof(standing)),
        });
        var after = await queue.StateAsync();
        after.CheckInvariants();
        if (reply.Code is not ReplyCode.Accepted && standing is not Standing.RecordMissing)
            after.Should().BeEquivalentTo(before, options => options.WithStrictOrdering().Excluding(state => state.Clock));
        after.Stat("lost").Should().Be(standing is Standing.RecordMissing ? 1 : 0);
    }

    [Theory, OnBothServers]
    public async Task Job_is_stored_as_if_it_had_been_read(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await queue.EnqueueManyAsync(TestQueue.Job("told"), TestQueue.Job("read"));
        var worker = queue.Worker("w");
        var jobs = await worker.ClaimAsync(2);
        await queue.MoveToAsync(Start + 1500);

        await worker.CallAsync(0, false, new Settlement(jobs[0], s_completed, true), new Settlement(jobs[1].Lease, s_completed, true));

        jobs[0].Shape.Should().NotBeNull();
        (await RecordAsync(queue, "told")).Should().Equal(await RecordAsync(queue, "read"));
        var state = await queue.StateAsync();
        state.Done.Should().BeEquivalentTo("told", "read");
        state.Jobs["told"].Should().BeEquivalentTo(new { State = JobState.Completed, Attempt = 1, JobName = "test", HasResult = false });
        state.Jobs["told"].EnqueuedAt.Should().Be(DateTimeOffset.FromUnixTimeMilliseconds(Start));
        state.Jobs["told"].EndedAt.Should().Be(DateTimeOffset.FromUnixTimeMilliseconds(Start + 1500));
        state.CheckInvariants();
    }

    [Theory, OnBothServers]
    public async Task Jobs_of_several_shapes_and_times_in_one_call_keep_their_own(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        for (var i = 0; i < 6; i++)
        {
            await queue.MoveToAsync(Start + i);
            await queue.EnqueueManyAsync(TestQueue.Job($"job{i}") with { Name = $"name{i % 2}" });
        }

        var worker = queue.Worker("w");
        var jobs = await worker.ClaimAsync(6);
        var failed = new Settlement(jobs[2], new Outcome.Failed(Seconds(1), "failed"), true);

        var reply = await worker.CallAsync(0, false, [.. jobs.Select(job => job == jobs[2] ? failed : new Settlement(job, s_completed, true))]);

        reply.Settlements.Select(settled => settled.State).Should().Equal(Enumerable.Range(0, 6).Select(i => (JobState?)(i == 2 ? JobState.Scheduled : JobState.Completed)));
        var state = await queue.StateAsync();
        for (var i = 0; i < 6; i++)
        {
            state.Jobs[$"job{i}"].JobName.Should().Be($"name{i % 2}");
            state.Jobs[$"job{i}"].EnqueuedAt.Should().Be(DateTimeOffset.FromUnixTimeMilliseconds(Start + i));
        }

        state.CheckInvariants();
    }

    [Theory, OnBothServers]
    public async Task Job_that_is_gone_does_not_keep_the_others_of_its_call_from_completing(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await EnqueueManyAsync(queue, 3);
        var worker = queue.Worker("w");
        var jobs = await worker.ClaimAsync(3);
        await queue.DeleteRecordAsync("job1");

        var reply = await worker.CallAsync(0, false, [.. jobs.Select(job => new Settlement(job, s_completed, true))]);

        reply.Settlements.Select(settled => settled.Code).Should().Equal(ReplyCode.Accepted, ReplyCode.Gone, ReplyCode.Accepted);
        var state = await queue.StateAsync();
        state.Done.Should().BeEquivalentTo("job0", "job2");
        state.CheckInvariants();
    }

    [Theory, OnBothServers]
    public async Task Shape_that_cannot_be_read_is_not_believed(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await queue.EnqueueAsync("a");
        var worker = queue.Worker("w");
        var job = (await worker.ClaimAsync()).Single();

        var reply = await worker.CallAsync(0, false, new Settlement(job with { Shape = new FreshShape("damaged"u8.ToArray(), "test", default) }, s_completed, true));

        reply.Settlements.Single().Should().Be(new SettlementReply(ReplyCode.Accepted, JobState.Completed));
        (await queue.StateAsync()).Jobs["a"].JobName.Should().Be("test");
    }

    private static async Task<byte[]> RecordAsync(TestQueue queue, string id) => (await queue.Database.StringGetAsync(queue.Keys.Job(new JobId(id))))!;
}
