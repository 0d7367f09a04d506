using Resilient.Redis.Queue.Storage;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Scripts;

/// <summary>A line of more than ten thousand is not searched: what ends in it stays in its place, and is passed over by claim.</summary>
public sealed class LongLineTests(BothServers servers) : ScriptTests(servers)
{
    private const int Length = 10_010;

    [Theory, OnBothServers]
    public async Task What_ends_in_a_long_line_does_not_wait_and_is_passed_over(ServerKind kind)
    {
        var queue = await LongQueueAsync(kind);

        (await queue.Store.CancelAsync(new JobId("job1"), "x", default)).Should().Be(ReplyCode.Accepted);
        (await queue.Store.RemoveAsync(new JobId("job2"), default)).Should().Be(ReplyCode.Accepted);

        (await queue.Database.ListLengthAsync(queue.Keys.Waiting)).Should().Be(Length, "nobody has searched it");
        (await queue.Store.CountAsync(default)).Should().BeEquivalentTo(new { Waiting = Length - 2, TotalCancelled = 1, TotalRemoved = 1 });
        await queue.DeleteRecordAsync("job2"); // as when nobody repeats its enqueue any more
        (await ClaimedAsync(queue, 4)).Should().Equal("job0", "job3");
        var state = await queue.StateAsync();
        state.Stat("lost").Should().Be(0);
        state.Stat("dropped").Should().Be(0);
        (await queue.Database.KeyExistsAsync(queue.Keys.Skip)).Should().BeFalse();
        state.Waiting.Should().HaveCount(Length - 4);
        state.CheckInvariants();
    }

    /// <summary>The caller's own id, again after its retention, while the old place is still in the line.</summary>
    [Theory, OnBothServers]
    public async Task Id_that_comes_again_behind_its_old_place_runs_once_and_not_before_it_is_due(ServerKind kind)
    {
        var queue = await LongQueueAsync(kind);
        foreach (var id in (string[])["job0", "job1", "job2"])
        {
            await queue.Store.CancelAsync(new JobId(id), "x", default);
            await ForgetAsync(queue, id);
        }

        (await queue.EnqueueAsync("job0")).Should().Be(ReplyCode.Accepted);
        (await queue.EnqueueAsync("job1", Seconds(60))).Should().Be(ReplyCode.Accepted);
        (await queue.EnqueueAsync("job2")).Should().Be(ReplyCode.Accepted);
        (await queue.Store.CancelAsync(new JobId("job2"), "again", default)).Should().Be(ReplyCode.Accepted);

        (await queue.Store.CountAsync(default)).Should().BeEquivalentTo(new { Waiting = Length - 2, Scheduled = 1 });
        (await ClaimedAsync(queue, 4)).Should().Equal("job0", "job3", "job4");
        List<string> rest = [];
        while (await ClaimedAsync(queue, 1000) is { Length: > 0 } some)
            rest.AddRange(some);
        rest.Should().NotContain("job0").And.NotContain("job1").And.NotContain("job2").And.HaveCount(Length - 5);
        (await queue.Database.KeyExistsAsync(queue.Keys.Skip)).Should().BeFalse();
        (await queue.StateAsync()).Scheduled.Keys.Should().Equal("job1");
    }

    private async Task<TestQueue> LongQueueAsync(ServerKind kind)
    {
        var queue = await QueueAsync(kind, options => options.MaxLength = Length * 2);
        foreach (var part in Enumerable.Range(0, Length).Chunk(1000))
            await queue.Store.EnqueueAsync([.. part.Select(i => TestQueue.Job($"job{i}"))], Start + 10_000, default);
        return queue;
    }

    private static async Task<string[]> ClaimedAsync(TestQueue queue, int want) => [.. (await queue.Worker("w").ClaimAsync(want)).Select(job => job.Lease.Id.Value)];

    private static async Task ForgetAsync(TestQueue queue, string id)
    {
        await queue.DeleteRecordAsync(id);
        await queue.Database.SortedSetRemoveAsync(queue.Keys.Done, id);
    }
}
