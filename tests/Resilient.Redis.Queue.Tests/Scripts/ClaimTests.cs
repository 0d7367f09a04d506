using Resilient.Redis.Queue.Storage;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Scripts;

public sealed class ClaimTests(BothServers servers) : ScriptTests(servers)
{
    [Theory, OnBothServers]
    public async Task Waiting_jobs_are_leased_oldest_first(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        foreach (var id in (string[])["a", "b", "c"])
            (await queue.EnqueueAsync(id)).Should().Be(ReplyCode.Accepted);

        var jobs = await queue.Worker("w").ClaimAsync(2);

        jobs.Select(job => job.Lease.Id.Value).Should().Equal("a", "b");
        jobs.Should().OnlyContain(job => job.Lease.Token == 1_000_000_000 && job.Attempt == 1 && job.Lapses == 0 && !job.IsAlone && job.Name == "test");
        var state = await queue.StateAsync();
        state.Waiting.Should().Equal("c");
        state.Active.Should().BeEquivalentTo(new Dictionary<string, long> { ["a"] = 1_010_000, ["b"] = 1_010_000 });
        state.Clock.Should().BeEquivalentTo(new Dictionary<string, long> { ["q"] = Start, ["last"] = Start, ["hold"] = Start + 10_000 });
        state.CheckInvariants();
    }

    [Theory, OnBothServers]
    public async Task Reply_carries_no_more_than_its_share_of_bytes_and_says_that_there_is_more(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        var body = new byte[9 * 1024 * 1024];
        foreach (var id in (string[])["a", "b", "c"])
            await queue.Store.EnqueueAsync([TestQueue.Job(id) with { Body = body }], queue.Now + 10_000, default);
        var worker = queue.Worker("w");

        var first = await worker.CallAsync(3);
        var second = await worker.CallAsync(1);

        first.Jobs.Select(job => job.Lease.Id.Value).Should().Equal("a", "b");
        first.More.Should().BeTrue();
        second.Jobs.Should().ContainSingle().Which.Lease.Id.Value.Should().Be("c");
        (await queue.StateAsync()).CheckInvariants();
    }

    [Theory, OnBothServersInEachStanding]
    public async Task Only_what_waits_is_handed_out(ServerKind kind, Standing standing)
    {
        var queue = await QueueAsync(kind);
        var seeded = await StandingJob.SeedAsync(queue, standing);

        var jobs = await queue.Worker("third").ClaimAsync(3);

        jobs.Select(job => job.Lease.Id.Value).Should().Equal(
            standing is Standing.Waiting or Standing.Expired or Standing.Recovered ? [StandingJob.Id] : []);
        jobs.Where(job => job.Lease.Token <= seeded.Lease.Token).Should().BeEmpty();
        if (standing is not (Standing.RecordMissing or Standing.RecordDamaged))
            (await queue.StateAsync()).CheckInvariants();
    }

    [Theory, OnBothServers]
    public async Task Expired_lease_goes_back_to_the_head_and_out_again_with_a_higher_token(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await queue.EnqueueAsync("a");
        await queue.EnqueueAsync("b");
        var first = (await queue.Worker("dead").ClaimAsync()).Single();

        var survivor = queue.Worker("survivor");
        await queue.PassAsync(Lease, survivor);

        var state = await queue.StateAsync();
        state.Waiting.Should().Equal("a", "b");
        state.Active.Should().BeEmpty();
        state.CheckInvariants();
        var again = (await survivor.ClaimAsync()).Single();
        again.Lease.Id.Should().Be(first.Lease.Id);
        again.Lease.Token.Should().BeGreaterThan(first.Lease.Token);
        (await queue.StateAsync()).CheckInvariants();
    }

    [Theory, OnBothServers]
    public async Task Token_grows_when_the_servers_clock_steps_back(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await queue.EnqueueAsync("a");
        var worker = queue.Worker("w");
        var first = (await worker.ClaimAsync()).Single();
        await worker.SettleAsync(first, Outcome.Returned.Instance);

        await queue.MoveToAsync(Start - 500_000);
        var second = (await worker.ClaimAsync()).Single();

        second.Lease.Token.Should().Be(first.Lease.Token + 1);
        (await queue.StateAsync()).CheckInvariants();
    }

    [Theory, OnBothServers]
    public async Task Due_jobs_follow_those_that_wait(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await queue.EnqueueManyAsync(TestQueue.Job("due2", Seconds(2)), TestQueue.Job("due1", Seconds(1)), TestQueue.Job("ready"), TestQueue.Job("not-yet", Seconds(3)));
        await queue.MoveToAsync(Start + 2000);

        var jobs = await queue.Worker("w").ClaimAsync(9);

        jobs.Select(job => job.Lease.Id.Value).Should().Equal("ready", "due1", "due2");
        jobs.Should().OnlyContain(job => job.EnqueuedAt == Start);
        var state = await queue.StateAsync();
        state.Scheduled.Keys.Should().Equal("not-yet");
        state.CheckInvariants();
    }

    [Theory, OnBothServers]
    public async Task Claim_of_more_than_one_chunk_leases_all(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await EnqueueManyAsync(queue, 2501);

        var jobs = await queue.Worker("w").ClaimAsync(5000);

        jobs.Select(job => job.Lease.Id.Value).Should().Equal(Enumerable.Range(0, 2501).Select(i => $"job{i}"));
        var state = await queue.StateAsync();
        state.Active.Should().HaveCount(2501);
        state.CheckInvariants();
    }

    /// <summary>Rule R7: a loop is bounded, and the reply says that there is more to do.</summary>
    [Theory, OnBothServers]
    public async Task Many_due_and_many_expired_are_moved_a_hundred_at_a_time(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await EnqueueManyAsync(queue, 250);
        (await queue.Worker("dead").ClaimAsync(250)).Should().HaveCount(250);
        await queue.EnqueueManyAsync([.. Enumerable.Range(0, 250).Select(i => TestQueue.Job($"due{i}", Seconds(9.9)))]);
        var survivor = queue.Worker("survivor");
        await queue.PassAsync(Seconds(9), survivor);
        await queue.MoveToAsync(Start + 10_000);

        var moved = new List<(int Scheduled, int Active, bool More)>();
        for (var i = 0; i < 3; i++)
        {
            var reply = await survivor.LookAsync();
            var state = await queue.StateAsync();
            state.CheckInvariants();
            moved.Add((state.Scheduled.Count, state.Active.Count, reply.More));
        }

        moved.Should().Equal((150, 150, true), (50, 50, true), (0, 0, false));
    }

    [Theory, OnBothServers]
    public async Task Id_twice_in_the_line_is_handed_out_once(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await queue.EnqueueAsync("a");
        await queue.EnqueueAsync("b");
        await queue.Database.ListLeftPushAsync(queue.Keys.Waiting, "a");

        var reply = await queue.Worker("w").CallAsync(3);

        reply.Jobs.Select(job => job.Lease.Id.Value).Should().Equal("a", "b");
        var state = await queue.StateAsync();
        state.Waiting.Should().BeEmpty();
        state.Stat("dropped").Should().Be(1);
        state.CheckInvariants();
    }

    [Theory, OnBothServers]
    public async Task Id_of_an_ended_job_in_the_line_is_dropped(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        var seeded = await StandingJob.SeedAsync(queue, Standing.Completed);
        await queue.Database.ListLeftPushAsync(queue.Keys.Waiting, StandingJob.Id);

        (await seeded.Me.ClaimAsync(3)).Should().BeEmpty();

        var state = await queue.StateAsync();
        state.Stat("dropped").Should().Be(1);
        state.CheckInvariants();
    }

    /// <summary>A worker may sleep as long as the reply says, and no moment at which it could act comes before.</summary>
    [Theory, OnBothServers]
    public async Task Reply_says_when_the_next_look_pays(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        var worker = queue.Worker("w");
        (await worker.CallAsync(1)).Should().BeEquivalentTo(new { Code = ReplyCode.Accepted, Lease, UntilNext = (TimeSpan?)null, More = false });

        await queue.EnqueueAsync("due", Seconds(60));
        (await worker.CallAsync(1)).UntilNext.Should().Be(Seconds(60));
        await queue.MoveToAsync(Start + 1000);
        await queue.EnqueueAsync("a");
        (await worker.CallAsync(1)).Should().BeEquivalentTo(new { UntilNext = Seconds(10), More = false }, "that is when its own lease would end");

        await queue.PassAsync(Seconds(8), queue.Worker("other"));
        (await queue.Worker("other").LookAsync()).UntilNext.Should().Be(TimeSpan.Zero + Seconds(2));
    }

    [Theory, OnBothServers]
    public async Task Worker_that_follows_the_reply_acts_in_time_and_does_not_spin(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await queue.EnqueueAsync("held");
        await queue.Worker("dead").ClaimAsync();
        await queue.EnqueueAsync("due", Seconds(4.5));
        var worker = queue.Worker("w");
        var claimed = new List<(string Id, long At)>();

        var looks = 0;
        for (; queue.Now < Start + 30_000; looks++)
        {
            var reply = await worker.CallAsync(5);
            claimed.AddRange(reply.Jobs.Select(job => (job.Lease.Id.Value, queue.Now - Start)));
            var sleep = reply.More ? 0 : Math.Min(2000, reply.UntilNext?.TotalMilliseconds ?? 2000);
            await queue.MoveToAsync(queue.Now + (long)sleep);
            looks.Should().BeLessThan(60, "a worker must not spin");
            foreach (var job in reply.Jobs)
                await worker.SettleAsync(job, new Outcome.Completed(default));
        }

        claimed.Should().Equal(("due", 4500), ("held", 10_000));
    }

    /// <summary>Rule R9: leases are counted alike by all, whatever their options say.</summary>
    [Theory, OnBothServers]
    public async Task First_worker_stores_the_lease_and_all_use_it(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await queue.Worker("first").LookAsync();
        queue.Options.Lease = Seconds(60);
        await queue.EnqueueAsync("a");

        var reply = await queue.Worker("second").CallAsync(1);

        reply.Lease.Should().Be(Lease);
        (await queue.StateAsync()).Active["a"].Should().Be(Start + 10_000);
    }
}
