using Resilient.Redis.Queue.Storage;
using Resilient.Redis.TestKit;
using StackExchange.Redis;

namespace Resilient.Redis.Queue.Tests.Scripts;

/// <summary>Rules R1 and R17: one bad job neither stops a batch nor takes workers with it without end.</summary>
public sealed class PoisonTests(BothServers servers) : ScriptTests(servers)
{
    private static readonly Outcome s_completed = new Outcome.Completed(default);

    /// <summary>What is no record: no MessagePack, other MessagePack, a newer version, fields of the wrong type, and text that explodes.</summary>
    public static readonly (string What, RedisValue Record)[] Damages =
    [
        ("text", "damaged"),
        ("nothing", ""),
        ("a number", (byte[])[1]),
        ("an array", (byte[])[0x90]),
        ("a newer kind", (byte[])[9, .. Fresh()[1..]]),
        ("a fresh one that is cut off in its time", Fresh()[..5]),
        ("a fresh one that is cut off in its shape", Fresh()[..12]),
        ("a fresh one whose shape is no array", Fresh(0xC0)),
        ("a fresh one whose shape is too short", Fresh(0x91)),
        ("a fresh one with a text where a number belongs", Fresh(attempts: 0xA0)),
        ("a fresh one with a negative number", Fresh(attempts: 0xFF)),
        ("a whole one that is empty", (byte[])[3]),
        ("a whole one without a state", Whole(state: 0xC0)),
        ("a whole one in an unknown state", Whole(state: 9)),
        ("a whole one with a text where a number belongs", Whole(enqueued: 0xA0)),
        ("a whole one with a negative number", Whole(enqueued: 0xFF)),
        ("a whole one with a nil in its second half", Whole(expiries: 0xC0)),
        ("a whole one with a number too much", (byte[])[3, 0xDC, 0, 18, .. Whole()[4..], 1]),
        ("a whole one that is cut off", Whole()[..^2]),
        ("one that ran well, cut off", (byte[])[2, .. Fresh()[1..]]),
        ("a million numbers", (byte[])[3, .. Enumerable.Repeat((byte)1, 1_000_000)]),
    ];

    [Theory, OnBothServers]
    public async Task Damaged_record_in_line_is_buried_with_its_reason_and_the_rest_is_handed_out(ServerKind kind)
    {
        foreach (var (what, record) in Damages)
        {
            var queue = await QueueAsync(kind);
            await EnqueueManyAsync(queue, 3);
            await queue.DamageAsync("job1", record);

            var reply = await queue.Worker("w").CallAsync(3);

            reply.Jobs.Select(job => job.Lease.Id.Value).Should().Equal(["job0", "job2"], what);
            var state = await queue.StateAsync();
            state.Dead.Should().Equal("job1");
            state.Jobs["job1"].Error.Should().Contain("cannot be read");
            state.CheckInvariants();
        }
    }

    [Theory, OnBothServers]
    public async Task Damaged_record_of_an_expired_job_is_buried_and_the_rest_is_recovered(ServerKind kind)
    {
        foreach (var (what, record) in Damages)
        {
            var queue = await QueueAsync(kind);
            await EnqueueManyAsync(queue, 3);
            (await queue.Worker("dead").ClaimAsync(3)).Should().HaveCount(3);
            await queue.DamageAsync("job1", record);

            await queue.PassAsync(Lease, queue.Worker("survivor"));

            var state = await queue.StateAsync();
            state.Waiting.Should().Equal(["job0", "job2"], what);
            state.Dead.Should().Equal("job1");
            state.CheckInvariants();
        }
    }

    [Theory, OnBothServers]
    public async Task Damaged_record_in_a_settlement_is_buried_and_the_rest_is_settled(ServerKind kind)
    {
        foreach (var (what, record) in Damages)
        {
            var queue = await QueueAsync(kind);
            await EnqueueManyAsync(queue, 3);
            var worker = queue.Worker("w");
            var jobs = await worker.ClaimAsync(3);
            await queue.DamageAsync("job1", record);

            // Not told what the records begin with (ToldSettlementTests): they are read.
            var reply = await worker.CallAsync(0, false, [.. jobs.Select(job => new Settlement(job.Lease, s_completed, true))]);

            reply.Settlements.Select(settled => settled.State).Should().Equal([JobState.Completed, JobState.Dead, JobState.Completed], what);
            (await queue.StateAsync()).CheckInvariants();
        }
    }

    /// <summary>What could not be read is not thrown away: a person may still want it.</summary>
    [Theory, OnBothServers]
    public async Task Damaged_record_is_kept_as_it_was(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await queue.EnqueueAsync("a");
        await queue.DamageAsync("a", "what was left of it");

        await queue.Worker("w").ClaimAsync();

        ((string)(await queue.Database.StringGetAsync(queue.Keys.Job(new JobId("a"))))!).Should().Contain("what was left of it");
    }

    [Theory, OnBothServers]
    public async Task Damaged_lease_is_lost_to_its_holder_and_the_job_comes_back(ServerKind kind)
    {
        foreach (var lease in (RedisValue[])["damaged", (byte[])[0x94, 0, 0, 0, 0], (byte[])[0x91, 0xA2, (byte)'m', (byte)'e'], ""])
        {
            var queue = await QueueAsync(kind);
            var seeded = await StandingJob.SeedAsync(queue, Standing.ActiveMine);
            await queue.Database.HashSetAsync(queue.Keys.Leases, StandingJob.Id, lease);

            (await seeded.Me.ExtendAsync(new Extension(seeded.Lease, true))).Should().Equal(ReplyCode.Lost);
            (await seeded.Me.CallAsync(0, false, new Settlement(seeded.Lease, s_completed, true))).Settlements.Single().Code.Should().Be(ReplyCode.Lost);
            (await queue.InspectAsync(StandingJob.Id)).Should().NotBeNull();
            await queue.PassAsync(Lease, queue.Worker("survivor"));

            var state = await queue.StateAsync();
            state.Waiting.Should().Equal(StandingJob.Id);
            state.CheckInvariants();
        }
    }

    [Theory, OnBothServers]
    public async Task Expiry_counts_only_if_the_handler_was_started(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await EnqueueManyAsync(queue, 2);
        var dies = queue.Worker("dies");
        var jobs = await dies.ClaimAsync(2);
        await dies.ExtendAsync(new Extension(jobs[0].Lease, true), new Extension(jobs[1].Lease, false));

        await queue.PassAsync(Lease, queue.Worker("survivor"));

        var state = await queue.StateAsync();
        (state.Jobs["job0"].Lapses, state.Jobs["job1"].Lapses).Should().Be((1, 0));
        (state.Jobs["job0"].Attempt, state.Jobs["job1"].Attempt).Should().Be((0, 0), "an attempt is spent by a failure only");
        state.CheckInvariants();
    }

    [Theory, OnBothServers]
    public async Task What_was_started_stays_started_whatever_a_later_extension_says(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await queue.EnqueueAsync("a");
        var dies = queue.Worker("dies");
        var job = (await dies.ClaimAsync()).Single();
        await dies.ExtendAsync(job, started: true);
        await dies.ExtendAsync(job, started: false);

        await queue.PassAsync(Lease, queue.Worker("survivor"));

        (await queue.StateAsync()).Jobs["a"].Lapses.Should().Be(1);
    }

    [Theory, OnBothServers]
    public async Task Job_that_takes_its_worker_with_it_is_dead_after_so_many_deliveries(ServerKind kind)
    {
        var queue = await QueueAsync(kind, options => options.MaxDeliveries = 3);
        await queue.EnqueueAsync("killer");
        var survivor = queue.Worker("survivor");
        for (var delivery = 1; delivery <= 3; delivery++)
        {
            var dies = queue.Worker($"dies{delivery}");
            var job = (await dies.ClaimAsync()).Single();
            job.Lapses.Should().Be(delivery - 1);
            await dies.ExtendAsync(job, started: true);
            await queue.PassAsync(Lease, survivor);
            (await queue.StateAsync()).CheckInvariants();
        }

        var state = await queue.StateAsync();
        state.Dead.Should().Equal("killer");
        state.Jobs["killer"].Error.Should().Contain("3 times").And.Contain("MaxDeliveries");
    }

    [Theory, OnBothServers]
    public async Task Job_lost_twice_is_handed_out_alone_and_only_where_there_is_room_for_one_alone(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await MakeSuspectsAsync(queue, 2);
        await queue.EnqueueAsync("innocent");
        var worker = queue.Worker("w");

        (await worker.ClaimAsync(5, roomForOneAlone: false)).Select(job => job.Lease.Id.Value).Should().Equal("innocent");
        var alone = await worker.CallAsync(5, roomForOneAlone: true);

        alone.Jobs.Should().ContainSingle().Which.IsAlone.Should().BeTrue();
        alone.More.Should().BeFalse("the worker has no room for another one alone");
        (await worker.ClaimAsync(5, roomForOneAlone: false)).Should().BeEmpty();
        var state = await queue.StateAsync();
        state.Suspect.Should().ContainSingle();
        state.CheckInvariants();
    }

    /// <summary>A retry goes through the common line: from there too, it must not come out among others.</summary>
    [Theory, OnBothServers]
    public async Task Suspect_that_failed_and_is_retried_is_handed_out_alone_again(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await MakeSuspectsAsync(queue, 2);
        await queue.EnqueueAsync("innocent");
        var worker = queue.Worker("w");
        await worker.SettleAsync((await worker.ClaimAsync()).Single(), new Outcome.Failed(Seconds(1), "failed"));
        await worker.SettleAsync((await worker.ClaimAsync()).Single(), new Outcome.Failed(TimeSpan.Zero, "failed"));
        await queue.MoveToAsync(queue.Now + 1000);

        var others = await queue.Worker("busy").CallAsync(5, roomForOneAlone: false);
        (await queue.StateAsync()).CheckInvariants();
        var first = await worker.ClaimAsync(5);

        others.Jobs.Select(job => job.Lease.Id.Value).Should().Equal("innocent");
        first.Should().ContainSingle().Which.IsAlone.Should().BeTrue();
        (await queue.StateAsync()).Suspect.Should().ContainSingle();
    }

    [Theory, OnBothServers]
    public async Task Suspect_that_is_returned_is_next_among_the_suspects(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await MakeSuspectsAsync(queue, 2);
        var worker = queue.Worker("w");
        var job = (await worker.ClaimAsync()).Single();

        (await worker.SettleAsync(job, Outcome.Returned.Instance)).State.Should().Be(JobState.Waiting);

        var state = await queue.StateAsync();
        state.Suspect.Should().HaveCount(2).And.StartWith(job.Lease.Id.Value);
        state.CheckInvariants();
    }

    /// <summary>Found by the torture run: a killer at the head of the suspects kept innocent ones waiting for two minutes.</summary>
    [Theory, OnBothServers]
    public async Task Suspect_that_loses_its_worker_again_lets_the_others_go_first(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await MakeSuspectsAsync(queue, 2);
        var killer = (await queue.Worker("dies").ClaimAsync()).Single();

        await queue.PassAsync(Lease, queue.Worker("survivor"));

        var state = await queue.StateAsync();
        state.Suspect.Should().HaveCount(2).And.EndWith(killer.Lease.Id.Value);
        state.CheckInvariants();
    }

    /// <summary>Only what Redis does not roll back could leave a job twice: a completed one must not run again for that.</summary>
    [Theory, OnBothServers]
    public async Task Ended_job_that_is_still_among_the_active_is_taken_out_and_not_run_again(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        var seeded = await StandingJob.SeedAsync(queue, Standing.Completed);
        await queue.Database.SortedSetAddAsync(queue.Keys.Active, StandingJob.Id, Start + 1);

        await queue.PassAsync(Lease, seeded.Me);

        var state = await queue.StateAsync();
        state.Done.Should().Equal(StandingJob.Id);
        state.CheckInvariants();
    }

    /// <summary>Claimed and lost with its worker, twice; not started, so that nothing counts but the expiries.</summary>
    private static async Task MakeSuspectsAsync(TestQueue queue, int count)
    {
        await EnqueueManyAsync(queue, count);
        var survivor = queue.Worker("survivor");
        for (var expiry = 1; expiry <= 2; expiry++)
        {
            (await queue.Worker($"dies{expiry}").ClaimAsync(count)).Should().HaveCount(count).And.OnlyContain(job => !job.IsAlone);
            await queue.PassAsync(Lease, survivor);
        }

        (await queue.StateAsync()).Suspect.Should().HaveCount(count);
    }

    /// <summary>A record as enqueue writes it, with one byte of its shape changed.</summary>
    private static byte[] Fresh(byte array = 0x94, byte attempts = 5) => [1, 0, 0, 0, 0, 0, 1, 6, array, 0xA1, (byte)'n', attempts, 0, 0, (byte)'b'];

    /// <summary>A record as a retry writes it, with one field changed.</summary>
    private static byte[] Whole(byte state = 1, byte enqueued = 1, byte expiries = 0) =>
        [3, 0xDC, 0, 17, state, 0xA1, (byte)'n', 0xA1, (byte)'b', enqueued, 5, 0, 0, 1, 0, expiries, 1, 0xA0, 0, 0xA0, 0xA0, 0xA0, 0xA0];
}
