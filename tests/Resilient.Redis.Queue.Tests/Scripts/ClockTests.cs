using Resilient.Redis.Queue.Storage;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Scripts;

/// <summary>Rule R8: lease time is queue time.</summary>
public sealed class ClockTests(BothServers servers) : ScriptTests(servers)
{
    /// <summary>Nobody looks while Redis is away; so no lease time passes, and then each worker has one lease to come back.</summary>
    [Theory, OnBothServers]
    public async Task Outage_stops_lease_time_and_gives_all_one_lease_to_come_back(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await queue.EnqueueAsync("a");
        var slow = queue.Worker("slow");
        var job = (await slow.ClaimAsync()).Single();
        var quick = queue.Worker("quick");
        await queue.PassAsync(Seconds(20), quick, slow, job);

        await queue.MoveToAsync(queue.Now + 3_600_000);
        await quick.LookAsync();
        await queue.PassAsync(Seconds(9.9), quick);
        (await queue.StateAsync()).Active.Keys.Should().Equal(["a"], "its worker has one lease to come back");
        (await slow.ExtendAsync(job)).Should().Be(ReplyCode.Accepted);
        await queue.PassAsync(Seconds(9.9), quick);

        var state = await queue.StateAsync();
        state.Active.Keys.Should().Equal("a");
        state.CheckInvariants();
    }

    [Theory, OnBothServers]
    public async Task Worker_that_does_not_come_back_after_an_outage_loses_its_jobs_one_lease_later(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await queue.EnqueueAsync("a");
        await queue.Worker("dead").ClaimAsync();
        var survivor = queue.Worker("survivor");
        await queue.PassAsync(Seconds(4), survivor);

        await queue.MoveToAsync(queue.Now + 60_000);
        await survivor.LookAsync();
        await queue.PassAsync(Lease, survivor);

        var state = await queue.StateAsync();
        state.Waiting.Should().Equal("a");
        state.CheckInvariants();
    }

    /// <summary>A deadline that has passed while a grace runs is nothing to act on: a worker told to look at once would spin.</summary>
    [Theory, OnBothServers]
    public async Task Look_in_a_grace_says_when_the_grace_ends(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await queue.EnqueueAsync("a");
        await queue.Worker("dead").ClaimAsync();
        var survivor = queue.Worker("survivor");
        await queue.Database.SortedSetAddAsync(queue.Keys.Active, "a", Start + 1000);
        await queue.PassAsync(Seconds(3), survivor);

        var reply = await survivor.LookAsync();

        reply.UntilNext.Should().Be(Seconds(7));
        reply.More.Should().BeFalse();
    }

    /// <summary>Two outages: the second, in the middle of the grace, must not put the end of it off.</summary>
    [Theory, OnBothServers]
    public async Task Grace_is_not_armed_again_while_it_runs(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        var worker = queue.Worker("w");
        await worker.LookAsync();
        await queue.MoveToAsync(Start + 60_000);
        await worker.LookAsync();

        var state = await queue.StateAsync();
        state.Clock.Should().Contain("q", Start + 2500).And.Contain("hold", Start + 10_000);
    }

    [Theory, OnBothServers]
    public async Task Steps_of_the_servers_clock_by_an_hour_cost_no_lease(ServerKind kind)
    {
        var queue = await QueueAsync(kind, options => options.DeadRetention = TimeSpan.FromDays(1));
        await queue.EnqueueAsync("a");
        var holder = queue.Worker("holder");
        var job = (await holder.ClaimAsync()).Single();
        var observer = queue.Worker("observer");
        await queue.PassAsync(Seconds(20), observer, holder, job);

        foreach (var step in (int[])[-3_600_000, 3_600_000, 3_600_000, -3_600_000])
        {
            await queue.MoveToAsync(queue.Now + step);
            await observer.LookAsync();
            (await queue.StateAsync()).CheckInvariants();
            (await holder.ExtendAsync(job)).Should().Be(ReplyCode.Accepted, "step by {0}", step);
            await queue.PassAsync(Seconds(20), observer, holder, job);
        }

        (await queue.StateAsync()).Active.Keys.Should().Equal("a");
    }

    [Theory, OnBothServers]
    public async Task Step_back_by_an_hour_does_not_put_recovery_off_for_an_hour(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await queue.EnqueueAsync("a");
        await queue.Worker("dead").ClaimAsync();
        var survivor = queue.Worker("survivor");
        await queue.PassAsync(Seconds(4), survivor);

        await queue.MoveToAsync(queue.Now - 3_600_000);
        await survivor.LookAsync();
        await queue.PassAsync(Seconds(6), survivor);

        (await queue.StateAsync()).Waiting.Should().Equal("a");
    }

    [Theory, OnBothServers]
    public async Task Missing_clock_gives_all_a_grace_and_then_ends_every_lease(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await queue.EnqueueAsync("a");
        await queue.EnqueueAsync("b");
        var alive = queue.Worker("alive");
        var job = (await alive.ClaimAsync()).Single();
        await queue.Worker("dead").ClaimAsync();
        await queue.Database.SortedSetAddAsync(queue.Keys.Active, "b", Start + 500_000);
        await queue.Database.KeyDeleteAsync(queue.Keys.Clock);

        var survivor = queue.Worker("survivor");
        await survivor.LookAsync();
        var state = await queue.StateAsync();
        state.Active.Should().HaveCount(2);
        state.Clock["q"].Should().BeGreaterThan(Start + 500_000);
        (await alive.ExtendAsync(job)).Should().Be(ReplyCode.Accepted);
        await queue.PassAsync(Lease, survivor, alive, job);

        state = await queue.StateAsync();
        state.Active.Keys.Should().Equal("a");
        state.Waiting.Should().Equal("b");
        state.CheckInvariants();
    }

    /// <summary>Also with looks as far apart as they may be, and on a queue nobody has looked at before.</summary>
    [Theory, OnBothServers]
    public async Task Idle_survivor_takes_over_from_a_dead_worker_within_two_leases(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await queue.EnqueueAsync("a");
        await queue.Worker("dead").ClaimAsync();
        var survivor = queue.Worker("survivor");

        ClaimedJob[] claimed = [];
        while (claimed.Length == 0)
        {
            await queue.MoveToAsync(queue.Now + 2500);
            claimed = await survivor.ClaimAsync();
            queue.Now.Should().BeLessThanOrEqualTo(Start + 20_000);
        }

        claimed.Single().Lease.Id.Value.Should().Be("a");
        (await queue.StateAsync()).CheckInvariants();
    }

    /// <summary>A survivor whose every look comes a little late would arm the grace again with each, and never recover anything.</summary>
    [Theory, OnBothServers]
    public async Task Survivor_whose_looks_are_all_late_recovers_too(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await queue.EnqueueAsync("a");
        await queue.EnqueueAsync("b");
        await queue.Worker("dead").ClaimAsync();
        var holder = queue.Worker("holder");
        var job = (await holder.ClaimAsync()).Single();
        var survivor = queue.Worker("survivor");

        var looks = 0;
        for (; (await queue.StateAsync()).Active.ContainsKey("a"); looks++)
        {
            looks.Should().BeLessThan(12);
            await queue.MoveToAsync(queue.Now + 2600);
            await survivor.LookAsync();
            await queue.MoveToAsync(queue.Now + 2600);
            (await holder.ExtendAsync(job)).Should().Be(ReplyCode.Accepted, "who extends at every second look keeps its job");
        }

        (await queue.StateAsync()).Waiting.Should().Equal("a");
        (await queue.StateAsync()).CheckInvariants();
    }

    /// <summary>The grace of one outage may end with the look that ends the next: who had just come back is not expired by that.</summary>
    [Theory, OnBothServers]
    public async Task Outage_at_the_end_of_a_grace_costs_no_worker_that_came_back_in_it(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await queue.EnqueueAsync("a");
        var holder = queue.Worker("holder");
        var job = (await holder.ClaimAsync()).Single();
        var observer = queue.Worker("observer");
        await queue.PassAsync(Seconds(8), observer, holder, job);

        await queue.MoveToAsync(queue.Now + 60_000);
        await observer.LookAsync();
        await queue.PassAsync(Seconds(9.9), observer);

        (await queue.StateAsync()).Active.Keys.Should().Equal(["a"], "after the second outage it has a whole lease once more");
        (await holder.ExtendAsync(job)).Should().Be(ReplyCode.Accepted);
    }

    /// <summary>That look skips queue time past the deadline; its worker had no chance in the time that was skipped.</summary>
    [Theory, OnBothServers]
    public async Task Outage_that_skips_over_a_deadline_and_the_end_of_a_grace_costs_no_lease(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await queue.EnqueueAsync("a");
        var holder = queue.Worker("holder");
        var job = (await holder.ClaimAsync()).Single();
        var observer = queue.Worker("observer");
        await queue.PassAsync(Seconds(9), observer);

        await queue.MoveToAsync(queue.Now + 60_000);
        await observer.LookAsync();

        (await queue.StateAsync()).Clock["q"].Should().BeGreaterThan(Start + 10_000);
        (await holder.ExtendAsync(job)).Should().Be(ReplyCode.Accepted);
        (await queue.StateAsync()).CheckInvariants();
    }

    [Theory, OnBothServers]
    public async Task Looking_at_the_queue_and_enqueueing_do_not_tick(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await queue.Worker("w").LookAsync();
        var before = (await queue.StateAsync()).Clock;

        await queue.MoveToAsync(Start + 2000);
        await queue.EnqueueAsync("a");
        await queue.InspectAsync("a");
        await queue.Store.CountAsync(default);

        (await queue.StateAsync()).Clock.Should().BeEquivalentTo(before);
    }
}
