using System.Collections.Concurrent;
using Resilient.Redis.Queue.Storage;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Scripts;

/// <summary>Rule R19: work that comes wakes one worker, and what that one leaves wakes the next.</summary>
public sealed class DoorbellTests(BothServers servers) : ScriptTests(servers)
{
    [Theory, OnBothServers]
    public async Task Job_for_an_empty_queue_rings_for_the_one_idle_worker_that_looked_last(ServerKind kind)
    {
        var bells = await BellsAsync(kind, "a", "b", "c");
        foreach (var session in (string[])["a", "c", "b"])
        {
            await bells.Queue.Worker(session).ClaimAsync();
            await bells.Queue.MoveToAsync(bells.Queue.Now + 10);
        }

        await bells.Queue.EnqueueAsync("first");
        await bells.Queue.EnqueueAsync("second");

        (await bells.RungAsync()).Should().Equal("b");
        (await bells.Queue.StateAsync()).Idle.Should().Equal("a", "c");
    }

    [Theory, OnBothServers]
    public async Task Claim_that_leaves_work_rings_for_the_next_worker(ServerKind kind)
    {
        var bells = await BellsAsync(kind, "a", "b");
        var (a, b) = (bells.Queue.Worker("a"), bells.Queue.Worker("b"));
        await a.ClaimAsync();
        await bells.Queue.MoveToAsync(Start + 10);
        await b.ClaimAsync();
        await EnqueueManyAsync(bells.Queue, 2);
        (await bells.RungAsync()).Should().Equal("b");

        await b.ClaimAsync();
        (await bells.RungAsync()).Should().Equal("b", "a");
        await a.ClaimAsync();

        (await bells.RungAsync()).Should().Equal("b", "a");
        (await bells.Queue.StateAsync()).Idle.Should().BeEmpty("both are busy");
    }

    [Theory, OnBothServers]
    public async Task Worker_without_room_that_promotes_a_job_rings_for_one_with_room(ServerKind kind)
    {
        foreach (var extends in (bool[])[true, false])
        {
            var bells = await BellsAsync(kind, "busy", "idle");
            var (busy, idle) = (bells.Queue.Worker("busy"), bells.Queue.Worker("idle"));
            await bells.Queue.EnqueueAsync("held");
            var job = (await busy.ClaimAsync()).Single();
            await idle.ClaimAsync();
            await bells.Queue.EnqueueAsync("due", Seconds(1));
            (await bells.RungAsync()).Should().Equal(["idle"], "it sleeps past the due time that it does not know of");
            await idle.ClaimAsync();
            await bells.Queue.MoveToAsync(Start + 1000);

            if (extends)
                await busy.ExtendAsync(job);
            else
                await busy.LookAsync();

            (await bells.RungAsync()).Should().Equal("idle", "idle");
        }
    }

    [Theory, OnBothServers]
    public async Task Later_due_time_than_the_next_rings_for_nobody(ServerKind kind)
    {
        var bells = await BellsAsync(kind, "a");
        await bells.Queue.Worker("a").ClaimAsync();
        await bells.Queue.EnqueueAsync("soon", Seconds(1));
        await bells.Queue.Worker("a").CallAsync(1);
        var before = (await bells.RungAsync()).Length;

        await bells.Queue.EnqueueAsync("later", Seconds(2));
        (await bells.RungAsync()).Should().HaveCount(before);
    }

    [Theory, OnBothServers]
    public async Task Returned_job_rings_for_another_and_not_for_the_one_that_returned_it(ServerKind kind)
    {
        var bells = await BellsAsync(kind, "leaves", "idle");
        var (leaves, idle) = (bells.Queue.Worker("leaves"), bells.Queue.Worker("idle"));
        await idle.ClaimAsync();
        await bells.Queue.EnqueueAsync("a");
        await bells.RungAsync();
        var job = (await leaves.ClaimAsync(2)).Single();
        await idle.ClaimAsync();
        await bells.Queue.MoveToAsync(Start + 10);
        await leaves.ClaimAsync();

        await leaves.SettleAsync(job, Outcome.Returned.Instance);

        (await bells.RungAsync()).Should().Equal("idle", "idle");
        (await bells.Queue.StateAsync()).Idle.Should().NotContain("leaves", "a bell for it would be lost");
    }

    /// <summary>Suspects that nobody may take at this moment must not keep workers ringing for each other.</summary>
    [Theory, OnBothServers]
    public async Task Suspect_rings_once_when_it_comes_and_then_no_more(ServerKind kind)
    {
        var bells = await BellsAsync(kind, "a", "b");
        var queue = bells.Queue;
        var survivor = queue.Worker("survivor");
        await queue.EnqueueAsync("x");
        await queue.Worker("dies1").ClaimAsync();
        await queue.PassAsync(Lease, survivor);
        await queue.Worker("dies2").ClaimAsync();
        await queue.PassAsync(Seconds(8), survivor);
        var (a, b) = (queue.Worker("a"), queue.Worker("b"));
        await a.CallAsync(3, roomForOneAlone: false);
        await b.CallAsync(3, roomForOneAlone: false);

        await queue.PassAsync(Seconds(2), survivor);
        (await queue.StateAsync()).Suspect.Should().Equal("x");
        (await bells.RungAsync()).Should().ContainSingle();
        for (var i = 0; i < 3; i++)
        {
            (await a.CallAsync(3, roomForOneAlone: false)).More.Should().BeFalse();
            (await b.CallAsync(3, roomForOneAlone: false)).More.Should().BeFalse();
        }

        (await bells.RungAsync()).Should().ContainSingle();
        (await b.CallAsync(3, roomForOneAlone: true)).Jobs.Should().ContainSingle();
    }

    [Theory, OnBothServers]
    public async Task Suspect_that_is_left_rings_for_another_worker_and_not_for_the_one_that_left_it(ServerKind kind)
    {
        var bells = await BellsAsync(kind, "takes", "idle");
        var (queue, idle) = (bells.Queue, bells.Queue.Worker("idle"));
        await EnqueueManyAsync(queue, 2);
        for (var expiry = 1; expiry <= 2; expiry++)
        {
            (await queue.Worker($"dies{expiry}").ClaimAsync(2)).Should().HaveCount(2);
            await queue.PassAsync(Lease, queue.Worker("survivor"));
        }

        await idle.CallAsync(3, roomForOneAlone: false);
        await queue.MoveToAsync(queue.Now + 10);
        var rung = (await bells.RungAsync()).Length;

        (await queue.Worker("takes").ClaimAsync(3)).Should().ContainSingle();

        (await bells.RungAsync())[rung..].Should().Equal("idle");
        (await queue.StateAsync()).Idle.Should().Contain("takes", "it has room for jobs that need not be alone");
    }

    /// <summary>After a restart of all workers, the old sessions stand in line for one more lease.</summary>
    [Theory, OnBothServers]
    public async Task Bell_that_nobody_hears_is_passed_on(ServerKind kind)
    {
        var bells = await BellsAsync(kind, "lives");
        foreach (var session in (string[])["lives", "ended1", "ended2"])
        {
            await bells.Queue.Worker(session).ClaimAsync();
            await bells.Queue.MoveToAsync(bells.Queue.Now + 10);
        }

        await bells.Queue.EnqueueAsync("a");

        (await bells.RungAsync()).Should().Equal("lives");
    }

    [Theory, OnBothServers]
    public async Task Session_that_has_not_looked_for_a_lease_is_out_of_the_line(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await queue.Worker("gone").ClaimAsync();
        await queue.MoveToAsync(Start + 10_000);

        await queue.Worker("alive").ClaimAsync();

        (await queue.StateAsync()).Idle.Should().Equal("alive");
    }

    private async Task<Bells> BellsAsync(ServerKind kind, params string[] sessions)
    {
        var queue = await QueueAsync(kind);
        var bells = new Bells(queue);
        foreach (var session in (string[])[.. sessions, Bells.Last])
            await queue.Connection.GetSubscriber().SubscribeAsync(queue.Keys.Wake(session), (_, _) => bells.Heard.Enqueue(session));
        return bells;
    }

    private sealed record Bells(TestQueue Queue)
    {
        public const string Last = "last";

        public ConcurrentQueue<string> Heard { get; } = new();

        /// <summary>All bells rung so far. A bell of the test's own comes after them, so that none needs to be slept for.</summary>
        public async Task<string[]> RungAsync()
        {
            var before = Heard.Count(session => session == Last);
            await Queue.Connection.GetSubscriber().PublishAsync(Queue.Keys.Wake(Last), "1");
            await Eventually.TrueAsync(() => Heard.Count(session => session == Last) > before, TimeSpan.FromSeconds(10));
            return [.. Heard.Where(session => session != Last)];
        }
    }
}
