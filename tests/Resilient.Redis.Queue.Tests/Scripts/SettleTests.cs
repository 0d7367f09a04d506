using Resilient.Redis.Queue.Storage;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Scripts;

public sealed class SettleTests(BothServers servers) : ScriptTests(servers)
{
    private static readonly Outcome s_completed = new Outcome.Completed("{\"ok\":true}"u8.ToArray());

    [Theory, OnBothServersInEachStanding]
    public async Task Settlement_is_decided_by_session_and_token(ServerKind kind, Standing standing)
    {
        var queue = await QueueAsync(kind);
        var seeded = await StandingJob.SeedAsync(queue, standing);
        var before = await queue.StateAsync();

        var reply = (await seeded.Me.CallAsync(0, false, new Settlement(seeded.Lease, s_completed, true))).Settlements.Single();

        reply.Should().Be(standing switch
        {
            Standing.Unknown => new SettlementReply(ReplyCode.Gone, null),
            Standing.RecordMissing => new SettlementReply(ReplyCode.Gone, null),
            Standing.Waiting or Standing.Recovered => new SettlementReply(ReplyCode.Lost, JobState.Waiting),
            Standing.Scheduled => new SettlementReply(ReplyCode.Lost, JobState.Scheduled),
            Standing.ActiveOther or Standing.TakenByOther => new SettlementReply(ReplyCode.Lost, JobState.Active),
            Standing.ActiveMine or Standing.Expired => new SettlementReply(ReplyCode.Accepted, JobState.Completed),
            Standing.Retried => new SettlementReply(ReplyCode.Already, JobState.Scheduled),
            Standing.Completed => new SettlementReply(ReplyCode.Already, JobState.Completed),
            Standing.Dead => new SettlementReply(ReplyCode.Already, JobState.Dead),
            Standing.RecordDamaged => new SettlementReply(ReplyCode.Accepted, JobState.Dead),
            _ => throw new ArgumentOutOfRangeException(nameof(standing)),
        });
        var after = await queue.StateAsync();
        after.CheckInvariants();
        if (reply.Code is not ReplyCode.Accepted && standing is not Standing.RecordMissing)
            after.Should().BeEquivalentTo(before, options => options.WithStrictOrdering().Excluding(state => state.Clock));
        after.Stat("lost").Should().Be(standing is Standing.RecordMissing ? 1 : 0);
        after.Stat("completed").Should().Be(standing is Standing.ActiveMine or Standing.Expired or Standing.Completed ? 1 : 0);
    }

    [Theory, OnBothServers]
    public async Task Completed_job_keeps_its_result_and_not_its_payload(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await queue.EnqueueManyAsync(TestQueue.Job("a") with { Body = JobEnvelope.Write(new byte[100_000], null) });
        var worker = queue.Worker("w");
        var job = (await worker.ClaimAsync()).Single();
        await queue.MoveToAsync(Start + 1500);

        await worker.SettleAsync(job, s_completed);

        var state = await queue.StateAsync();
        state.Done.Should().Equal("a");
        state.Jobs["a"].Should().BeEquivalentTo(new { State = JobState.Completed, Attempt = 1, Error = (string?)null, HasResult = true });
        state.Jobs["a"].EndedAt.Should().Be(DateTimeOffset.FromUnixTimeMilliseconds(Start + 1500));
        state.Jobs["a"].GetResult<Dictionary<string, bool>>().Should().Contain("ok", true);
        (await queue.Database.StringLengthAsync(queue.Keys.Job(new JobId("a")))).Should().BeLessThan(200);
        state.CheckInvariants();
    }

    [Theory, OnBothServers]
    public async Task Failures_spend_attempts_until_none_is_left(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await queue.EnqueueAsync("a", maxAttempts: 2);
        var worker = queue.Worker("w");

        (await worker.SettleAsync((await worker.ClaimAsync()).Single(), new Outcome.Failed(Seconds(3), "first"))).State.Should().Be(JobState.Scheduled);
        var state = await queue.StateAsync();
        state.Scheduled.Should().Contain("a", Start + 3000);
        state.Jobs["a"].Should().BeEquivalentTo(new { Attempt = 1, Error = "first", Lapses = 0 });
        state.CheckInvariants();

        await queue.MoveToAsync(Start + 3000);
        var second = (await worker.ClaimAsync()).Single();
        second.Attempt.Should().Be(2);
        (await worker.SettleAsync(second, new Outcome.Failed(Seconds(3), "second"))).State.Should().Be(JobState.Dead);
        state = await queue.StateAsync();
        state.Dead.Should().Equal("a");
        state.Jobs["a"].Should().BeEquivalentTo(new { State = JobState.Dead, Attempt = 2, Error = "second" });
        state.CheckInvariants();
    }

    [Theory, OnBothServers]
    public async Task Retry_without_a_pause_waits_at_once_and_may_come_out_of_the_same_call(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await queue.EnqueueAsync("a");
        var worker = queue.Worker("w");
        var job = (await worker.ClaimAsync()).Single();

        var reply = await worker.CallAsync(1, true, new Settlement(job, new Outcome.Failed(TimeSpan.Zero, "again"), true));

        reply.Settlements.Should().Equal(new SettlementReply(ReplyCode.Accepted, JobState.Waiting));
        reply.Jobs.Should().ContainSingle().Which.Should().Match<ClaimedJob>(next => next.Attempt == 2 && next.Lease.Token == job.Lease.Token + 1);
        (await queue.StateAsync()).CheckInvariants();
    }

    [Theory, OnBothServers]
    public async Task Putting_off_spends_nothing(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await queue.EnqueueAsync("a", maxAttempts: 1);
        var worker = queue.Worker("w");

        await worker.SettleAsync((await worker.ClaimAsync()).Single(), new Outcome.PutOff(Seconds(1), "not now"));

        var state = await queue.StateAsync();
        state.Scheduled.Should().Contain("a", Start + 1000);
        state.Jobs["a"].Should().BeEquivalentTo(new { Attempt = 0, Lapses = 0, Error = "not now" });
        state.CheckInvariants();
    }

    [Theory, OnBothServers]
    public async Task Unknown_type_spends_deliveries_until_the_job_is_dead(ServerKind kind)
    {
        var queue = await QueueAsync(kind, options => options.MaxDeliveries = 2);
        await queue.EnqueueAsync("a");
        var worker = queue.Worker("w");

        (await worker.SettleAsync((await worker.ClaimAsync()).Single(), new Outcome.Unknown(TimeSpan.Zero, "no handler"))).State.Should().Be(JobState.Waiting);
        (await worker.SettleAsync((await worker.ClaimAsync()).Single(), new Outcome.Unknown(TimeSpan.Zero, "no handler"))).State.Should().Be(JobState.Dead);

        var state = await queue.StateAsync();
        state.Jobs["a"].Should().BeEquivalentTo(new { State = JobState.Dead, Attempt = 0, Lapses = 2, Error = "no handler" });
        state.CheckInvariants();
    }

    [Theory, OnBothServers]
    public async Task Hopeless_job_is_dead_at_once_and_counts_the_attempt_only_if_it_was_started(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await EnqueueManyAsync(queue, 2);
        var worker = queue.Worker("w");
        var jobs = await worker.ClaimAsync(2);

        await worker.SettleAsync(jobs[0], new Outcome.Dead("hopeless"), started: true);
        await worker.SettleAsync(jobs[1], new Outcome.Dead("unreadable"), started: false);

        var state = await queue.StateAsync();
        state.Dead.Should().BeEquivalentTo("job0", "job1");
        (state.Jobs["job0"].Attempt, state.Jobs["job1"].Attempt).Should().Be((1, 0));
        state.Jobs["job1"].Error.Should().Be("unreadable");
        state.CheckInvariants();
    }

    [Theory, OnBothServers]
    public async Task Returned_job_is_next_and_has_spent_nothing(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await EnqueueManyAsync(queue, 2);
        var worker = queue.Worker("w");

        await worker.SettleAsync((await worker.ClaimAsync()).Single(), Outcome.Returned.Instance);

        var state = await queue.StateAsync();
        state.Waiting.Should().Equal("job0", "job1");
        state.Jobs["job0"].Should().BeEquivalentTo(new { Attempt = 0, Lapses = 0 });
        state.CheckInvariants();
    }

    [Theory, OnBothServers]
    public async Task One_call_settles_and_claims_the_next(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await EnqueueManyAsync(queue, 5);
        var worker = queue.Worker("w");
        var jobs = await worker.ClaimAsync(2);

        var reply = await worker.CallAsync(2, true, [.. jobs.Select(job => new Settlement(job, s_completed, true))]);

        reply.Settlements.Should().HaveCount(2).And.OnlyContain(settled => settled == new SettlementReply(ReplyCode.Accepted, JobState.Completed));
        reply.Jobs.Select(job => job.Lease.Id.Value).Should().Equal("job2", "job3");
        var state = await queue.StateAsync();
        state.Waiting.Should().Equal("job4");
        state.Done.Should().BeEquivalentTo("job0", "job1");
        state.CheckInvariants();
    }

    /// <summary>The second of two settlements of one lease would put the job in a second place.</summary>
    [Theory, OnBothServers]
    public async Task Lease_named_twice_in_a_batch_is_settled_once(ServerKind kind)
    {
        foreach (var (first, state) in new (Outcome, JobState)[]
        {
            (s_completed, JobState.Completed),
            (new Outcome.Failed(TimeSpan.Zero, "failed"), JobState.Waiting),
            (new Outcome.Failed(Seconds(1), "failed"), JobState.Scheduled),
            (new Outcome.Dead("dead"), JobState.Dead),
            (Outcome.Returned.Instance, JobState.Waiting),
        })
        {
            var queue = await QueueAsync(kind);
            var seeded = await StandingJob.SeedAsync(queue, Standing.ActiveMine);

            var reply = await seeded.Me.CallAsync(0, false, new Settlement(seeded.Lease, first, true), new Settlement(seeded.Lease, s_completed, true));

            reply.Settlements.Should().Equal(new SettlementReply(ReplyCode.Accepted, state), new SettlementReply(ReplyCode.Already, state));
            (await queue.StateAsync()).CheckInvariants();
        }
    }

    /// <summary>A process that lost a job and claimed it again has two handlers of it; the old one's settlement must not give the new lease away.</summary>
    [Theory, OnBothServers]
    public async Task Old_token_beside_the_new_one_does_not_cost_the_new_one_its_lease(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        var seeded = await StandingJob.SeedAsync(queue, Standing.Expired);
        var old = seeded.Lease with { Token = seeded.Lease.Token - 1 };

        var reply = await seeded.Me.CallAsync(0, false, new Settlement(seeded.Lease, s_completed, true), new Settlement(old, s_completed, true));

        reply.Settlements.Select(settled => settled.Code).Should().Equal(ReplyCode.Accepted, ReplyCode.Lost);
        var state = await queue.StateAsync();
        state.Done.Should().Equal(StandingJob.Id);
        state.CheckInvariants();
    }

    [Theory, OnBothServers]
    public async Task Equal_token_of_another_session_settles_nothing(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        var seeded = await StandingJob.SeedAsync(queue, Standing.ActiveMine);

        var reply = await queue.Worker("impostor").CallAsync(0, false, new Settlement(seeded.Lease, s_completed, true));

        reply.Settlements.Single().Should().Be(new SettlementReply(ReplyCode.Lost, JobState.Active));
        (await queue.StateAsync()).Leases.Should().Equal(StandingJob.Id);
    }

    [Theory, OnBothServers]
    public async Task Batch_of_more_than_one_chunk_is_settled(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await EnqueueManyAsync(queue, 2501);
        var worker = queue.Worker("w");
        var jobs = await worker.ClaimAsync(5000);

        var reply = await worker.CallAsync(10, true, [.. jobs.Select(job => new Settlement(job, s_completed, true))]);

        reply.Settlements.Should().HaveCount(2501).And.OnlyContain(settled => settled.Code == ReplyCode.Accepted);
        var state = await queue.StateAsync();
        state.Stat("completed").Should().Be(2501);
        state.CheckInvariants();
    }

    [Theory, OnBothServers]
    public async Task Completed_jobs_are_forgotten_when_their_retention_is_over(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await queue.EnqueueAsync("short", keep: TimeSpan.Zero);
        await queue.EnqueueAsync("long", keep: TimeSpan.FromMinutes(5));
        var worker = queue.Worker("w");
        foreach (var job in await worker.ClaimAsync(2))
            await worker.SettleAsync(job, s_completed);

        await queue.PassAsync(Seconds(38), worker);
        (await queue.StateAsync()).Done.Should().BeEquivalentTo(["short", "long"], "a settlement may be repeated for four leases");
        await queue.PassAsync(Seconds(2), worker);

        var state = await queue.StateAsync();
        state.Done.Should().Equal("long");
        state.CheckInvariants();
    }

    [Theory, OnBothServers]
    public async Task Dead_jobs_are_trimmed_by_age(ServerKind kind)
    {
        var queue = await QueueAsync(kind, options => options.DeadRetention = TimeSpan.FromMinutes(10));
        await StandingJob.SeedAsync(queue, Standing.Dead);
        var worker = queue.Worker("w");

        await queue.MoveToAsync(Start + 599_999);
        await worker.LookAsync();
        (await queue.StateAsync()).Dead.Should().Equal(StandingJob.Id);
        await queue.MoveToAsync(Start + 600_000);
        await worker.LookAsync();

        var state = await queue.StateAsync();
        state.Dead.Should().BeEmpty();
        state.Stat("trimmed").Should().Be(1);
        state.CheckInvariants();
    }

    /// <summary>One call can end more jobs than a look trims: the surplus must not grow without end.</summary>
    [Theory, OnBothServers]
    public async Task Dead_jobs_are_trimmed_by_number_however_many_die_in_a_call(ServerKind kind)
    {
        var queue = await QueueAsync(kind, options => options.DeadLimit = 10);
        var worker = queue.Worker("w");
        for (var round = 0; round < 3; round++)
        {
            await queue.EnqueueManyAsync([.. Enumerable.Range(0, 300).Select(i => TestQueue.Job($"{round}/{i}"))]);
            var jobs = await worker.ClaimAsync(300);
            await worker.CallAsync(0, false, [.. jobs.Select(job => new Settlement(job, new Outcome.Dead("dead"), true))]);
            await queue.MoveToAsync(queue.Now + 60_000);
        }

        var state = await queue.StateAsync();
        state.Dead.Should().HaveCountLessThanOrEqualTo(310, "what died before the last call is trimmed, but for the limit");
        state.CheckInvariants();
        await queue.MoveToAsync(queue.Now + 60_000);
        while ((await queue.StateAsync()).Dead.Length > 10)
            await worker.LookAsync();
        (await queue.StateAsync()).CheckInvariants();
    }
}
