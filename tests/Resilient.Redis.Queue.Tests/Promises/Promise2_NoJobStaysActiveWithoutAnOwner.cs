using System.Diagnostics;
using Resilient.Redis.Queue.Tests.Integration;
using Resilient.Redis.TestKit;
using Xunit.Abstractions;

namespace Resilient.Redis.Queue.Tests.Promises;

/// <summary>If a worker dies, its jobs can be claimed again within one lease and one look while any worker of that queue looks. Nobody has to clean up.</summary>
public sealed class Promise2_NoJobStaysActiveWithoutAnOwner(ITestOutputHelper output) : PromiseTest(output)
{
    /// <summary>Beside an idle survivor, which sleeps until the deadline that it was told of.</summary>
    [NeedsRedisServerFact("SIGKILL of a worker")]
    public Task Killed_workers_jobs_all_run_elsewhere_within_a_lease_and_a_second() => KillAsync(Lease);

    [NeedsRedisServerFact("SIGKILL of a worker")]
    public Task Killed_workers_jobs_all_run_elsewhere_within_the_default_lease_and_a_second() => KillAsync(new JobQueueOptions().Lease);

    [NeedsRedisServerFact("SIGTERM of a worker")]
    public async Task Terminated_workers_jobs_are_handed_back_at_once_and_spend_no_attempt()
    {
        var lease = new JobQueueOptions().Lease;
        await using var producer = await StartAsync(lease: lease);
        await using var stopped = StartProcess(lease);
        var ids = await EnqueueAsync(producer, Enumerable.Repeat("long", 4));
        await stopped.StartedAsync(ids, Deadline);
        await using var next = StartProcess(lease);
        await next.StartedAsync(await EnqueueAsync(producer, "short"), Deadline);

        await stopped.Process.TerminateAsync();
        var took = await next.StartedAsync(ids, Deadline);

        Output.WriteLine($"SIGTERM: all {ids.Count} jobs ran elsewhere {took.TotalMilliseconds:0} ms after the process had ended (grace 0.2 s).");
        took.Should().BeLessThan(TimeSpan.FromSeconds(1) + Slack, "a bell, not a lease of ten seconds");
        stopped.Runs.Select(run => run.Reason).Should().OnlyContain(reason => reason == nameof(StopReason.Shutdown));
        next.Runs.Should().OnlyContain(run => run.Attempt == 1);
        foreach (var id in ids)
            (await producer.Queue.GetAsync(id))!.Should().BeEquivalentTo(new { State = JobState.Active, Attempt = 1, Lapses = 0 });
    }

    /// <summary>The server popped, the reply was lost: the same worker asks again under the same number, and is given the same jobs.</summary>
    [NeedsRedisServerFact("a server of its own")]
    public async Task Claim_whose_reply_was_cut_off_is_found_at_once_by_the_same_worker()
    {
        var lease = new JobQueueOptions().Lease;
        await using var proxy = FaultProxy.Start(Redis);
        await using var producer = await StartAsync(lease: lease);
        await using var worker = await StartAsync(2, lease, proxy.Endpoint);
        await StateAsync(producer, (await EnqueueAsync(producer, "warm"))[0], JobState.Completed);

        var slowest = TimeSpan.Zero;
        List<JobId> ids = [];
        // The bell's reply, then that of the claim with the job, some 150 bytes: the cuts fall before, into and behind it.
        for (var cut = 0; cut < 12; cut++)
        {
            proxy.CutAfterReplyBytes(cut * 20);
            var clock = Stopwatch.StartNew();
            ids.AddRange(await EnqueueAsync(producer, $"{cut}"));
            await StateAsync(producer, ids[^1], JobState.Completed);
            slowest = clock.Elapsed > slowest ? clock.Elapsed : slowest;
        }

        Output.WriteLine($"Claim whose reply was cut off: the job had run after {slowest.TotalMilliseconds:0} ms at the most; the lease is {lease.TotalSeconds:0} s.");
        slowest.Should().BeLessThan(lease / 2);
        await CompletedAtFirstAttemptAsync(producer, ids);
    }

    /// <summary>The same on a network that swallows the reply and says nothing: found after the attempt's time-out.</summary>
    [NeedsRedisServerFact("a server of its own")]
    public async Task Claim_whose_reply_was_swallowed_is_found_after_one_time_out()
    {
        var (lease, timeout) = (new JobQueueOptions().Lease, TimeSpan.FromMilliseconds(500));
        await using var proxy = FaultProxy.Start(Redis);
        await using var producer = await StartAsync(lease: lease);
        await using var worker = await StartAsync(2, lease, proxy.Endpoint, redis: o => o.AttemptTimeout = timeout);
        await StateAsync(producer, (await EnqueueAsync(producer, "warm"))[0], JobState.Completed);

        // The bell and the keeper's replies pass by the same proxy: again, until it was the claim's reply that was swallowed.
        var took = TimeSpan.Zero;
        List<JobId> ids = [];
        for (var round = 0; took < timeout; round++)
        {
            round.Should().BeLessThan(20, "the reply to a claim has to be met");
            proxy.SilenceAfterReplyBytes(70 + 15 * round);
            var clock = Stopwatch.StartNew();
            ids.AddRange(await EnqueueAsync(producer, "swallowed"));
            await StateAsync(producer, ids[^1], JobState.Completed);
            took = clock.Elapsed;
        }

        Output.WriteLine($"Claim whose reply was swallowed: the job had run after {took.TotalMilliseconds:0} ms; the lease is {lease.TotalSeconds:0} s.");
        took.Should().BeLessThan(lease / 2);
        await CompletedAtFirstAttemptAsync(producer, ids);
    }

    private async Task KillAsync(TimeSpan lease)
    {
        await using var producer = await StartAsync(lease: lease);
        await using var doomed = StartProcess(lease);
        var ids = await EnqueueAsync(producer, Enumerable.Repeat("long", 4));
        await doomed.StartedAsync(ids, Deadline);
        await using var survivor = StartProcess(lease);
        await survivor.StartedAsync(await EnqueueAsync(producer, "short"), Deadline);
        await GraceIsOverAsync();

        await doomed.Process.KillAsync();
        var took = await survivor.StartedAsync(ids, Deadline);

        Output.WriteLine($"SIGKILL, lease {lease.TotalSeconds:0} s: all {ids.Count} jobs ran elsewhere after {took.TotalSeconds:0.00} s.");
        took.Should().BeLessThan(lease + TimeSpan.FromSeconds(1) + Slack);
        survivor.Runs.Should().OnlyContain(run => run.Attempt == 1, "a lapse is no attempt");
        (await StateOfQueueAsync()).CheckInvariants();
    }
}
