using Resilient.Redis.Queue.Tests.Integration;
using Resilient.Redis.TestKit;
using Xunit.Abstractions;

namespace Resilient.Redis.Queue.Tests.Promises;

/// <summary>An outage that hits all workers stops lease time: no running job is handed to another worker, no runs overlap, no attempt is spent, and what ends meanwhile is delivered afterwards.</summary>
public sealed class Promise5_OutageIsNoWorkersFailure(ITestOutputHelper output) : PromiseTest(output)
{
    [NeedsRedisServerFact("SIGSTOP of Redis")]
    public Task Redis_frozen_for_many_leases_costs_no_run_and_no_attempt() => OutageAsync(
        () =>
        {
            Redis.Freeze();
            return Task.CompletedTask;
        },
        () =>
        {
            Redis.Thaw();
            return Task.CompletedTask;
        });

    [NeedsRedisServerFact("SIGKILL of Redis, and its append-only file")]
    public Task Redis_killed_and_away_for_many_leases_costs_no_run_and_no_attempt() => OutageAsync(Redis.KillAsync, Redis.RestartAsync);

    /// <summary>It asked to be stopped before its lease can have been given away; that it was not given away is seen afterwards (rule R11).</summary>
    [NeedsRedisServerFact("SIGSTOP of Redis")]
    public async Task Handler_that_stopped_because_its_lease_was_in_doubt_runs_again_and_has_spent_no_attempt()
    {
        var reasons = new System.Collections.Concurrent.ConcurrentQueue<StopReason>();
        await using var worker = await StartAsync(1, worker: o => o.StopInDoubt = true);
        Script.Do = async (_, context, token) =>
        {
            if (reasons.IsEmpty)
            {
                try
                {
                    await Task.Delay(Timeout.Infinite, token);
                }
                finally
                {
                    reasons.Enqueue(context.StopReason);
                }
            }
        };
        var ids = await EnqueueAsync(worker, "careful");
        await Eventually.TrueAsync(() => Script.Runs.Count == 1, Deadline);

        Redis.Freeze();
        await Eventually.TrueAsync(() => !reasons.IsEmpty, Deadline);
        Redis.Thaw();
        await CompletedAsync(worker, 1);

        reasons.Should().Equal(StopReason.LeaseInDoubt);
        Script.Runs.Select(run => run.Attempt).Should().Equal(1, 1);
        await CompletedAtFirstAttemptAsync(worker, ids);
    }

    private async Task OutageAsync(Func<Task> begin, Func<Task> end)
    {
        await using var producer = await StartAsync();
        await using var one = StartProcess();
        await using var other = StartProcess();
        // More than one has slots for: each holds some that end in the outage, or when it is over.
        var milliseconds = (int)LongTime.TotalMilliseconds;
        string[] whats = [$"work:{milliseconds / 2}", $"work:{milliseconds / 2}", $"work:{milliseconds / 3}", $"work:{milliseconds + 4000}", $"work:{milliseconds + 4000}", $"work:{milliseconds + 2000}"];
        var ids = await EnqueueAsync(producer, whats);
        await Eventually.TrueAsync(() => Started(one) + Started(other) == whats.Length && Started(one) > 0 && Started(other) > 0, Deadline);
        ids.AddRange(await EnqueueAsync(producer, Enumerable.Repeat("work:100", 20))); // some run, some wait
        await GraceIsOverAsync();

        await begin();
        await Task.Delay(LongTime); // the outage itself: there is nothing to await
        await end();
        var back = await Eventually.TrueAsync(async () => await CountsAsync(producer) is not null, Deadline);
        var delivered = await Eventually.TrueAsync(async () => (await producer.Queue.GetAsync(ids[0]))!.State == JobState.Completed, Deadline);
        await CompletedAsync(producer, ids.Count);

        Output.WriteLine($"Redis away for {LongTime.TotalSeconds:0} s (lease {Lease.TotalSeconds:0} s): a producer is answered {back.TotalMilliseconds:0} ms after its return, what had ended meanwhile is delivered {(back + delivered).TotalMilliseconds:0} ms after.");
        List<Run> runs = [.. one.Runs, .. other.Runs];
        runs.Select(run => run.Id).Should().OnlyHaveUniqueItems("no job ran twice, on one worker or on two").And.HaveCount(ids.Count);
        runs.Should().OnlyContain(run => run.Reason == nameof(StopReason.None) && run.Attempt == 1);
        await CompletedAtFirstAttemptAsync(producer, ids);
        (await producer.Admin.CountAsync()).Should().BeEquivalentTo(new { Waiting = 0, Active = 0, Dead = 0, Scheduled = 0, TotalLost = 0 });
        foreach (var process in (WorkerProcess[])[one, other])
            process.Process.Lines.Should().NotContain(line => line.Contains("lost the lease", StringComparison.Ordinal) || line.Contains("was refused", StringComparison.Ordinal));
    }

    private static int Started(WorkerProcess worker) => worker.Runs.Count;
}
