using Resilient.Redis.Queue.Storage;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Scripts;

/// <summary>Rule R15: an enqueue that arrives twice, or late, and crosses with what became of its job.</summary>
public sealed class CrossingTests(BothServers servers) : ScriptTests(servers)
{
    [Theory, OnBothServers]
    public async Task Enqueue_after_its_validity_is_refused_whole(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        var reply = await queue.Store.EnqueueAsync([TestQueue.Job("a"), TestQueue.Job("b", Seconds(1))], Start - 1, default);

        reply.Codes.Should().Equal(ReplyCode.Late, ReplyCode.Late);
        reply.ServerTime.Should().Be(Start, "so that the producer can correct its idea of the server's time");
        var state = await queue.StateAsync();
        state.Jobs.Should().BeEmpty();
        state.Stats.Should().BeEmpty();
    }

    /// <summary>The first attempt was in time and its reply was lost: "late" alone would be taken for "not stored".</summary>
    [Theory, OnBothServers]
    public async Task Late_repeat_of_a_known_job_is_answered_already(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await queue.EnqueueManyAsync(TestQueue.Job("a"));
        var before = await queue.StateAsync();

        var reply = await queue.Store.EnqueueAsync([TestQueue.Job("new"), TestQueue.Job("a")], Start - 1, default);

        reply.Codes.Should().Equal(ReplyCode.Late, ReplyCode.Already);
        (await queue.StateAsync()).Should().BeEquivalentTo(before, options => options.WithStrictOrdering());
    }

    [Theory, OnBothServers]
    public async Task Enqueue_in_its_last_millisecond_is_accepted(ServerKind kind)
    {
        var queue = await QueueAsync(kind);

        (await queue.EnqueueAsync("a", notAfter: Start)).Should().Be(ReplyCode.Accepted);
    }

    /// <summary>One call with the jobs of two callers: each may repeat its own until its own limit.</summary>
    [Theory, OnBothServers]
    public async Task Shared_call_is_refused_after_its_first_limit_and_remembered_until_its_last(ServerKind kind)
    {
        var queue = await QueueAsync(kind, options => options.Lease = Seconds(3));
        var (first, last) = (Start, Start + 60_000);
        foreach (var delay in (TimeSpan[])[TimeSpan.Zero, Seconds(1)])
            (await queue.Store.EnqueueAsync([TestQueue.Job($"a{delay}", delay, keep: TimeSpan.Zero)], first, last, default)).Codes.Should().Equal(ReplyCode.Accepted);
        var worker = queue.Worker("w");
        await queue.PassAsync(Seconds(1), worker);
        foreach (var job in await worker.ClaimAsync(2))
            await worker.SettleAsync(job, new Outcome.Completed(default));

        (await queue.Store.EnqueueAsync([TestQueue.Job("b")], first, last, default)).Codes.Should().Equal(ReplyCode.Late);
        while (queue.Now < last)
        {
            (await queue.Store.EnqueueAsync([TestQueue.Job("a00:00:00"), TestQueue.Job("a00:00:01")], last, default)).Codes.Should().Equal(ReplyCode.Already, ReplyCode.Already);
            await PassQuicklyAsync(queue, worker, last);
        }
    }

    /// <summary>Kept for no time at all, its outcome is remembered all the same until no repeat can come any more.</summary>
    [Theory, OnBothServers]
    public async Task Repeat_finds_a_completed_job_that_keeps_nothing(ServerKind kind)
    {
        var queue = await QueueAsync(kind, options => options.Lease = Seconds(3));
        var notAfter = Start + 60_000;
        await queue.EnqueueAsync("a", notAfter: notAfter, keep: TimeSpan.Zero);
        var worker = queue.Worker("w");
        await worker.SettleAsync((await worker.ClaimAsync()).Single(), new Outcome.Completed(default));

        while (queue.Now < notAfter)
        {
            (await queue.EnqueueAsync("a", notAfter: notAfter, keep: TimeSpan.Zero)).Should().Be(ReplyCode.Already);
            await PassQuicklyAsync(queue, worker, notAfter);
        }

        await PassQuicklyAsync(queue, worker, queue.Now + 1);
        (await queue.EnqueueAsync("a", notAfter: notAfter)).Should().Be(ReplyCode.Late);
        var state = await queue.StateAsync();
        state.Jobs.Should().BeEmpty();
        state.CheckInvariants();
    }

    [Theory, OnBothServers]
    public async Task Repeat_finds_a_dead_job_even_where_the_dead_are_too_many(ServerKind kind)
    {
        var queue = await QueueAsync(kind, options => (options.DeadLimit, options.DeadRetention) = (1, TimeSpan.FromMinutes(1)));
        var notAfter = Start + 60_000;
        var worker = queue.Worker("w");
        foreach (var id in (string[])["a", "b", "c"])
        {
            await queue.EnqueueAsync(id, notAfter: notAfter);
            await worker.SettleAsync((await worker.ClaimAsync()).Single(), new Outcome.Dead("dead"));
        }

        await queue.MoveToAsync(notAfter - 1);
        await worker.LookAsync();
        (await queue.EnqueueAsync("a", notAfter: notAfter)).Should().Be(ReplyCode.Already);
        await queue.MoveToAsync(notAfter + 1);
        await worker.LookAsync();

        (await queue.EnqueueAsync("a", notAfter: notAfter)).Should().Be(ReplyCode.Late);
        var state = await queue.StateAsync();
        state.Dead.Should().BeEmpty();
        state.CheckInvariants();
    }

    [Theory, OnBothServers]
    public async Task Surplus_of_dead_jobs_is_trimmed_oldest_first_once_no_repeat_can_come(ServerKind kind)
    {
        var queue = await QueueAsync(kind, options => options.DeadLimit = 2);
        var worker = queue.Worker("w");
        foreach (var id in (string[])["a", "b", "c", "d"])
        {
            await queue.EnqueueAsync(id);
            await worker.SettleAsync((await worker.ClaimAsync()).Single(), new Outcome.Dead("dead"));
            await queue.MoveToAsync(queue.Now + 100);
        }

        await queue.MoveToAsync(queue.Now + 60_000);
        await worker.LookAsync();

        var state = await queue.StateAsync();
        state.Dead.Should().BeEquivalentTo("c", "d");
        state.Stat("trimmed").Should().Be(2);
        state.CheckInvariants();
    }

    /// <summary>In steps under a quarter of the lease, so that queue time runs as fast as it can.</summary>
    private static async Task PassQuicklyAsync(TestQueue queue, TestWorker worker, long until)
    {
        for (var i = 0; i < 10 && queue.Now < until; i++)
        {
            await queue.MoveToAsync(Math.Min(until, queue.Now + 700));
            await worker.LookAsync();
        }
    }
}
