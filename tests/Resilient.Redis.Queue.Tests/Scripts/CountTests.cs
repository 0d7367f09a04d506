using Resilient.Redis.Queue.Storage;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Scripts;

public sealed class CountTests(BothServers servers) : ScriptTests(servers)
{
    [Theory, OnBothServers]
    public async Task Queue_nobody_has_used_counts_nothing(ServerKind kind)
    {
        var counts = await (await QueueAsync(kind)).Store.CountAsync(default);

        counts.Should().Be(new QueueCounts
        {
            Waiting = 0,
            Scheduled = 0,
            Active = 0,
            Dead = 0,
            TotalAccepted = 0,
            TotalCompleted = 0,
            TotalTrimmed = 0,
            TotalLost = 0,
            TotalCancelled = 0,
            TotalRemoved = 0,
            IsPaused = false,
        });
    }

    [Theory, OnBothServers]
    public async Task Each_state_is_counted_and_suspects_wait(ServerKind kind)
    {
        var queue = await QueueAsync(kind, options => options.DeadRetention = TimeSpan.FromMinutes(1));
        var worker = queue.Worker("w");
        await queue.EnqueueAsync("trimmed");
        await worker.SettleAsync((await worker.ClaimAsync()).Single(), new Outcome.Dead("old"));
        await queue.MoveToAsync(Start + 60_000);
        await EnqueueManyAsync(queue, 6);
        var jobs = await worker.ClaimAsync(4);
        await worker.SettleAsync(jobs[0], new Outcome.Completed(default));
        await worker.SettleAsync(jobs[1], new Outcome.Dead("dead"));
        await queue.DeleteRecordAsync("job2");
        await worker.SettleAsync(jobs[2], new Outcome.Completed(default));
        await queue.EnqueueAsync("scheduled", Seconds(60));
        await queue.Database.ListRightPopLeftPushAsync(queue.Keys.Waiting, queue.Keys.Suspect);

        var counts = await queue.Store.CountAsync(default);

        counts.Should().Be(new QueueCounts
        {
            Waiting = 2,
            OldestReadyAge = TimeSpan.Zero,
            Scheduled = 1,
            Active = 1,
            Dead = 1,
            TotalAccepted = 8,
            TotalCompleted = 1,
            TotalTrimmed = 1,
            TotalLost = 1,
            TotalCancelled = 0,
            TotalRemoved = 0,
            IsPaused = false,
        });
        (await queue.StateAsync()).CheckInvariants();
    }
}
