using Resilient.Redis.Queue.Storage;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Scripts;

/// <summary>Unique keys (rule R21) and the limit on a queue's length.</summary>
public sealed class UniqueTests(BothServers servers) : ScriptTests(servers)
{
    [Theory, OnBothServers]
    public async Task Second_job_with_the_key_is_refused_and_told_who_holds_it(ServerKind kind)
    {
        var queue = await QueueAsync(kind);

        (await EnqueueAsync(queue, "a")).Should().Be(new EnqueueAnswer(ReplyCode.Accepted, null));
        (await EnqueueAsync(queue, "b")).Should().Be(new EnqueueAnswer(ReplyCode.Duplicate, new JobId("a")));
        (await EnqueueAsync(queue, "a")).Should().Be(new EnqueueAnswer(ReplyCode.Already, null), "the id is looked at before the key");

        var state = await queue.StateAsync();
        state.Waiting.Should().Equal("a");
        state.CheckInvariants();
        (await queue.InspectAsync("b")).Should().BeNull();
    }

    [Theory, OnBothServers]
    public async Task Id_twice_in_one_call_is_refused_twice(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await EnqueueAsync(queue, "a");

        var codes = await queue.EnqueueManyAsync(Unique("b"), TestQueue.Job("b"));

        codes.Should().Equal([ReplyCode.Duplicate, ReplyCode.Duplicate], "else it would be in line without a record");
        (await queue.StateAsync()).CheckInvariants();
    }

    /// <summary>How jobs are enqueued is written once for all that are enqueued alike.</summary>
    [Theory, OnBothServers]
    public async Task Job_without_the_key_that_is_else_like_its_holder_is_accepted(ServerKind kind)
    {
        var queue = await QueueAsync(kind);

        (await queue.EnqueueManyAsync(Unique("a"), TestQueue.Job("b"))).Should().Equal(ReplyCode.Accepted, ReplyCode.Accepted);
        (await queue.EnqueueManyAsync(TestQueue.Job("c"))).Should().Equal(ReplyCode.Accepted);
        (await EnqueueAsync(queue, "d")).Code.Should().Be(ReplyCode.Duplicate);
        (await queue.StateAsync()).CheckInvariants();
    }

    [Theory, OnBothServers]
    public async Task Refusal_is_remembered_for_repeats_of_the_call(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await EnqueueAsync(queue, "a");
        await EnqueueAsync(queue, "b");
        await EndAsync(queue, new Outcome.Completed(default));

        (await EnqueueAsync(queue, "b")).Should().Be(new EnqueueAnswer(ReplyCode.Duplicate, new JobId("a")), "rule R15");
        (await EnqueueAsync(queue, "c")).Code.Should().Be(ReplyCode.Accepted);
    }

    [Theory, OnBothServers]
    public async Task Key_is_free_again_in_the_script_that_ends_the_job(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        Outcome[] ends = [new Outcome.Completed(default), new Outcome.Dead("x"), new Outcome.Failed(default, "x")];
        for (var i = 0; i < ends.Length; i++)
        {
            (await EnqueueAsync(queue, $"job{i}", maxAttempts: 1)).Code.Should().Be(ReplyCode.Accepted);
            await EndAsync(queue, ends[i]);
            (await queue.Database.KeyExistsAsync(queue.Keys.Unique("k"))).Should().BeFalse(ends[i].GetType().Name);
        }

        await EnqueueAsync(queue, "cancelled");
        await queue.Store.CancelAsync(new JobId("cancelled"), "x", default);
        (await EnqueueAsync(queue, "next")).Code.Should().Be(ReplyCode.Accepted);
        (await queue.StateAsync()).CheckInvariants();
    }

    [Theory, OnBothServers]
    public async Task Key_is_held_while_the_job_is_retried(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await EnqueueAsync(queue, "a");
        await EndAsync(queue, new Outcome.Failed(Seconds(1), "x"));

        (await EnqueueAsync(queue, "b")).Holder.Should().Be(new JobId("a"));
    }

    [Theory, OnBothServers]
    public async Task Key_of_a_job_that_vanished_is_taken_over(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await EnqueueAsync(queue, "a");
        await queue.DeleteRecordAsync("a");

        (await EnqueueAsync(queue, "b")).Code.Should().Be(ReplyCode.Accepted);
        (await EnqueueAsync(queue, "c")).Holder.Should().Be(new JobId("b"));
    }

    [Theory, OnBothServers]
    public async Task Key_for_a_time_outlives_its_job_and_ends_with_the_time(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await EnqueueAsync(queue, "a", uniqueFor: TimeSpan.FromMinutes(5));
        await EndAsync(queue, new Outcome.Completed(default));

        (await EnqueueAsync(queue, "b", uniqueFor: TimeSpan.FromMinutes(5))).Holder.Should().Be(new JobId("a"));
        (await queue.Database.KeyTimeToLiveAsync(queue.Keys.Unique("k"))).Should().BeCloseTo(TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(1));
        await queue.Database.KeyDeleteAsync(queue.Keys.Unique("k")); // as at the end of its time
        (await EnqueueAsync(queue, "c")).Code.Should().Be(ReplyCode.Accepted);
    }

    [Theory, OnBothServers]
    public async Task Key_twice_in_a_batch_makes_one_job(ServerKind kind)
    {
        var queue = await QueueAsync(kind);

        var reply = await queue.Store.EnqueueAsync([Unique("a"), Unique("b"), TestQueue.Job("c")], Start + 10_000, default);

        reply.Answers.Should().Equal(new EnqueueAnswer(ReplyCode.Accepted, null), new EnqueueAnswer(ReplyCode.Duplicate, new JobId("a")), new EnqueueAnswer(ReplyCode.Accepted, null));
        (await queue.StateAsync()).CheckInvariants();
    }

    [Theory, OnBothServers]
    public async Task Full_queue_refuses_the_whole_call_and_knows_repeats(ServerKind kind)
    {
        var queue = await QueueAsync(kind, o => o.MaxLength = 3);
        await EnqueueManyAsync(queue, 2);
        var before = await queue.StateAsync();

        var refused = await queue.Store.EnqueueAsync([TestQueue.Job("a"), TestQueue.Job("job0"), TestQueue.Job("b", Seconds(1))], Start + 10_000, default);

        refused.Codes.Should().Equal(ReplyCode.Full, ReplyCode.Already, ReplyCode.Full);
        refused.Length.Should().Be(2);
        (await queue.StateAsync()).Should().BeEquivalentTo(before);
        (await queue.EnqueueAsync("a", Seconds(1))).Should().Be(ReplyCode.Accepted);
        (await queue.EnqueueAsync("b")).Should().Be(ReplyCode.Full, "the scheduled count too");
        (await queue.Worker("me").ClaimAsync()).Should().ContainSingle();
        (await queue.EnqueueAsync("b")).Should().Be(ReplyCode.Accepted);
    }

    private static NewJob Unique(string id, TimeSpan uniqueFor = default, int maxAttempts = 5) => TestQueue.Job(id, maxAttempts: maxAttempts) with { UniqueKey = "k", UniqueFor = uniqueFor };

    private static async Task<EnqueueAnswer> EnqueueAsync(TestQueue queue, string id, TimeSpan uniqueFor = default, int maxAttempts = 5) =>
        (await queue.Store.EnqueueAsync([Unique(id, uniqueFor, maxAttempts)], queue.Now + 10_000, default)).Answers[0];

    private static async Task EndAsync(TestQueue queue, Outcome outcome)
    {
        var worker = queue.Worker("w");
        (await worker.SettleAsync((await worker.ClaimAsync()).Single(), outcome)).Code.Should().Be(ReplyCode.Accepted);
    }
}
