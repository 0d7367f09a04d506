using Resilient.Redis.TestKit;
using Xunit.Abstractions;

namespace Resilient.Redis.Queue.Tests.Promises;

/// <summary>A worker that lost its lease cannot settle that job any more, and finds out by itself: its handler's token says so.</summary>
public sealed class Promise4_ZombieCanDoNoHarm(ITestOutputHelper output) : PromiseTest(output)
{
    [NeedsRedisServerFact("SIGSTOP of a worker")]
    public async Task Worker_frozen_past_its_lease_is_told_and_its_settlement_is_refused_while_the_other_run_stands()
    {
        await using var producer = await StartAsync();
        await using var zombie = StartProcess();
        var polite = (await EnqueueAsync(producer, "long"))[0];
        var stubborn = (await EnqueueAsync(producer, "stubborn:5000"))[0]; // does not look at its token, and returns a result
        await zombie.StartedAsync([polite, stubborn], Deadline);
        zombie.Process.Freeze();
        await using var survivor = StartProcess();
        await survivor.StartedAsync([polite, stubborn], Deadline);
        await StateAsync(producer, stubborn, JobState.Completed);

        zombie.Process.Thaw();

        var told = await Eventually.TrueAsync(
            () => zombie.Runs.Any(run => run.Id == polite.Value && run.Reason == nameof(StopReason.LeaseLost)), Deadline, () => string.Join('\n', zombie.Process.Lines));
        Output.WriteLine($"SIGCONT of a worker that was frozen past its lease: its handler was told after {told.TotalMilliseconds:0} ms.");
        told.Should().BeLessThan(TimeSpan.FromSeconds(1) + Slack, "at its first tick");
        await zombie.Process.PrintsAsync($"Completed of job {stubborn}, attempt 1, was refused (Lost)", Deadline);
        (await producer.Queue.GetAsync(stubborn))!.GetResult<int>().Should().Be(survivor.Process.ProcessId, "the other run stands");
        (await producer.Queue.GetAsync(polite))!.State.Should().Be(JobState.Active, "the survivor runs it");
        foreach (var id in (JobId[])[polite, stubborn])
        {
            var first = zombie.Runs.Single(run => run.Id == id.Value);
            var second = survivor.Runs.Single(run => run.Id == id.Value);
            second.Token.Should().BeGreaterThan(first.Token, "outside systems tell the two apart by it");
            second.Attempt.Should().Be(1, "a lapse is no attempt");
        }

        (await producer.Admin.CountAsync()).TotalCompleted.Should().Be(1);
    }

    /// <summary>Cut off alone, it cannot be told that its leases are lost: it doubts them by itself, before they can have been given away.</summary>
    [NeedsRedisServerFact("a server of its own")]
    public async Task Worker_that_is_cut_off_alone_stops_careful_handlers_before_the_job_runs_elsewhere()
    {
        await using var proxy = FaultProxy.Start(Redis);
        await using var producer = await StartAsync();
        var stopped = new TaskCompletionSource<(StopReason Reason, long At)>(TaskCreationOptions.RunContinuationsAsynchronously);
        Script.Do = async (_, context, token) =>
        {
            try
            {
                await Task.Delay(Timeout.Infinite, token);
            }
            finally
            {
                stopped.TrySetResult((context.StopReason, System.Diagnostics.Stopwatch.GetTimestamp()));
            }
        };
        await using var cutOff = await StartAsync(1, endpoint: proxy.Endpoint, worker: o => o.StopInDoubt = true);
        var ids = await EnqueueAsync(producer, "long");
        await Eventually.TrueAsync(() => Script.Runs.Count == 1, Deadline);
        await using var survivor = StartProcess();
        await survivor.StartedAsync(await EnqueueAsync(producer, "short"), Deadline);
        await GraceIsOverAsync();

        proxy.Silence(newOnesToo: true);
        await survivor.StartedAsync(ids, Deadline);

        var (reason, at) = await stopped.Task.WaitAsync(Deadline);
        reason.Should().Be(StopReason.LeaseInDoubt);
        var between = System.Diagnostics.Stopwatch.GetElapsedTime(at, survivor.Runs.Single(run => run.Id == ids[0].Value).From);
        Output.WriteLine($"Cut off alone: the handler had stopped {between.TotalMilliseconds:0} ms before the job ran elsewhere.");
        between.Should().BePositive("the two runs do not overlap");
    }
}
