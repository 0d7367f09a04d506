using Resilient.Redis.Queue.Storage;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Scripts;

/// <summary>Rule R21: how many jobs run at once, and start in a time, over all workers.</summary>
public sealed class LimitTests(BothServers servers) : ScriptTests(servers)
{
    [Theory, OnBothServers]
    public async Task No_more_are_active_than_allowed_and_nobody_spins(ServerKind kind)
    {
        var queue = await QueueAsync(kind, o => o.MaxConcurrency = 3);
        await EnqueueManyAsync(queue, 1000);
        var (one, two) = (queue.Worker("one"), queue.Worker("two"));

        var first = await one.CallAsync(2);
        var second = await two.CallAsync(1000);
        var third = await one.CallAsync(5);

        first.Jobs.Should().HaveCount(2);
        second.Jobs.Should().ContainSingle();
        third.Jobs.Should().BeEmpty();
        new[] { second.More, third.More }.Should().OnlyContain(more => !more, "another call at once would find nothing either");
        var state = await queue.StateAsync();
        state.Active.Should().HaveCount(3);
        state.Idle.Should().BeEquivalentTo(["one", "two"]);
        state.CheckInvariants();
    }

    [Theory, OnBothServers]
    public async Task Free_slot_is_taken_by_who_frees_it_or_is_rung_for(ServerKind kind)
    {
        var queue = await QueueAsync(kind, o => o.MaxConcurrency = 2);
        await EnqueueManyAsync(queue, 5);
        var (busy, idle) = (queue.Worker("busy"), queue.Worker("idle"));
        var jobs = await busy.ClaimAsync(2);
        await idle.CallAsync(1);

        var settled = await busy.CallAsync(9, true, Completed(jobs[0]));
        settled.Jobs.Should().ContainSingle("one slot is free");
        (await queue.StateAsync()).Idle.Should().BeEquivalentTo(["busy", "idle"], "nothing is left for another");

        await busy.CallAsync(0, false, Completed(jobs[1]));
        (await queue.StateAsync()).Idle.Should().BeEmpty("who has no room rings for who has");
        (await idle.CallAsync(1)).Jobs.Should().ContainSingle();
        (await queue.StateAsync()).CheckInvariants();
    }

    [Theory, OnBothServers]
    public async Task Lost_worker_holds_no_slot_for_longer_than_its_lease(ServerKind kind)
    {
        var queue = await QueueAsync(kind, o => o.MaxConcurrency = 2);
        await EnqueueManyAsync(queue, 4);
        (await queue.Worker("lost").ClaimAsync(2)).Should().HaveCount(2);
        var other = queue.Worker("other");
        (await other.ClaimAsync(4)).Should().BeEmpty();

        await queue.PassAsync(Seconds(9), other);
        (await other.ClaimAsync(4)).Should().BeEmpty();
        await queue.MoveToAsync(queue.Now + 1000);

        (await other.ClaimAsync(4)).Select(job => job.Lease.Id.Value).Should().Equal("job0", "job1");
        (await queue.StateAsync()).CheckInvariants();
    }

    [Theory, OnBothServers]
    public async Task Rate_is_kept_by_all_workers_together_and_a_repeat_pays_once(ServerKind kind)
    {
        var queue = await QueueAsync(kind, o => o.RateLimit = new(4, Seconds(2)));
        await EnqueueManyAsync(queue, 20);
        var (one, two) = (queue.Worker("one"), queue.Worker("two"));

        (await one.ClaimAsync(3)).Should().HaveCount(3);
        var last = await two.CallAsync(10);
        last.Jobs.Should().ContainSingle("the bucket had four");
        last.More.Should().BeFalse();
        last.UntilNext.Should().Be(Seconds(0.5), "that is when the next one may start");
        (await two.RepeatAsync(two.Sequence, 10)).Jobs.Should().ContainSingle();

        await queue.MoveToAsync(Start + 499);
        (await two.CallAsync(10)).Jobs.Should().BeEmpty();
        await queue.MoveToAsync(Start + 500);
        var next = await two.CallAsync(10);
        next.Jobs.Should().ContainSingle("the repeat did not pay again");
        next.UntilNext.Should().Be(Seconds(0.5));
        (await one.ClaimAsync(10)).Should().BeEmpty();
        await queue.MoveToAsync(Start + 60_000);
        (await two.ClaimAsync(20)).Should().HaveCount(4, "no more are saved up than the bucket holds");
        (await queue.StateAsync()).CheckInvariants();
    }

    [Theory, OnBothServers]
    public async Task Only_one_of_many_idle_workers_waits_for_the_next_turn_and_its_death_costs_little(ServerKind kind)
    {
        var queue = await QueueAsync(kind, o => o.RateLimit = new(1, Seconds(1)));
        await EnqueueManyAsync(queue, 9);
        var (taker, next, others) = (queue.Worker("taker"), queue.Worker("next"), Enumerable.Range(0, 5).Select(i => queue.Worker($"w{i}")).ToArray());
        (await taker.CallAsync(1)).Jobs.Should().ContainSingle();

        (await next.CallAsync(1)).UntilNext.Should().Be(Seconds(1));
        foreach (var other in others)
            (await other.CallAsync(1)).UntilNext.Should().Be(Lease, "it is not its turn: there is nothing but a lease that may end");

        await queue.MoveToAsync(Start + 1999);
        (await others[0].CallAsync(0)).Jobs.Should().BeEmpty();
        (await others[1].CallAsync(1)).Jobs.Should().ContainSingle("whoever looks when there is a token takes it");
        (await others[2].CallAsync(1)).UntilNext.Should().BeGreaterThan(Seconds(2), "the turn is still that of who does not come");
        await queue.MoveToAsync(Start + 2001);
        (await others[2].CallAsync(1)).UntilNext.Should().BeLessThan(Seconds(1.1), "who had the turn is a second late");
        (await queue.StateAsync()).CheckInvariants();
    }

    [Theory, OnBothServers]
    public async Task Outage_saves_no_starts_up(ServerKind kind)
    {
        var queue = await QueueAsync(kind, o => o.RateLimit = new(1, Seconds(10)));
        await EnqueueManyAsync(queue, 3);
        var worker = queue.Worker("w");
        (await worker.ClaimAsync(3)).Should().ContainSingle();

        await queue.MoveToAsync(Start + 60_000);
        (await worker.ClaimAsync(3)).Should().BeEmpty("queue time moves by a quarter of a lease at most");
        await queue.PassAsync(Seconds(8), worker);
        (await worker.ClaimAsync(3)).Should().ContainSingle();
    }

    [Theory, OnBothServers]
    public async Task Changed_and_damaged_limits_are_no_obstacle(ServerKind kind)
    {
        var queue = await QueueAsync(kind, o => o.RateLimit = new(1_000_000, TimeSpan.FromDays(1)));
        await EnqueueManyAsync(queue, 30);
        var worker = queue.Worker("w");
        (await worker.ClaimAsync(1)).Should().ContainSingle();
        queue.Options.RateLimit = new(3, TimeSpan.FromMilliseconds(1));
        (await worker.ClaimAsync(20)).Should().HaveCount(3, "the new bucket is smaller");

        foreach (var (field, value) in new[] { ("level", "x"), ("level", "nan"), ("at", "-1"), ("period", "0"), ("until", "x") })
        {
            await queue.Database.HashSetAsync(queue.Keys.Rate, field, value);
            (await worker.ClaimAsync(20)).Length.Should().BeInRange(0, 3, field);
            await queue.MoveToAsync(queue.Now + 10);
        }

        await queue.Database.HashSetAsync(queue.Keys.Rate, "at", 9e15);
        (await worker.ClaimAsync(20)).Length.Should().BeInRange(0, 3);
        queue.Options.RateLimit = null;
        (await worker.ClaimAsync(100)).Should().NotBeEmpty();
        var state = await queue.StateAsync();
        state.Waiting.Should().BeEmpty();
        state.CheckInvariants();
    }

    [Theory, OnBothServers]
    public async Task Both_limits_hold_at_once(ServerKind kind)
    {
        var queue = await QueueAsync(kind, o => (o.MaxConcurrency, o.RateLimit) = (2, new(3, Seconds(3))));
        await EnqueueManyAsync(queue, 9);
        var worker = queue.Worker("w");
        var jobs = await worker.ClaimAsync(9);
        jobs.Should().HaveCount(2);

        var reply = await worker.CallAsync(9, true, [.. jobs.Select(Completed)]);

        reply.Jobs.Should().ContainSingle("three may start");
        reply.UntilNext.Should().Be(Seconds(1));
        reply.More.Should().BeFalse();
        (await queue.StateAsync()).CheckInvariants();
    }

    private static Settlement Completed(ClaimedJob job) => new(job.Lease, new Outcome.Completed(default), true);
}
