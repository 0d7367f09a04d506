using Resilient.Redis.Queue.Tests.Integration;
using Resilient.Redis.TestKit;
using Xunit.Abstractions;

namespace Resilient.Redis.Queue.Tests.Promises;

/// <summary>Handlers that starve the thread pool cost no lease; one that ignores or blocks its cancellation, throws anything, or returns a huge result cannot stall others. One that never returns costs its slot.</summary>
public sealed class Promise7_HandlersCannotBreakTheMachinery(ITestOutputHelper output) : PromiseTest(output)
{
    /// <summary>In a process of its own, with a survivor beside it that would take what is lost.</summary>
    [NeedsRedisServerFact("an idle worker beside a process that is starved")]
    public async Task Handlers_that_block_every_thread_of_the_pool_for_many_leases_lose_no_lease()
    {
        var threads = 4 * Environment.ProcessorCount;
        await using var producer = await StartAsync();
        await using var starved = StartProcess(concurrency: threads);
        var ids = await EnqueueAsync(producer, Enumerable.Repeat($"block:{(int)LongTime.TotalMilliseconds}", threads));
        await Eventually.TrueAsync(async () => (await producer.Admin.CountAsync()).Active == threads && starved.Runs.Count >= Environment.ProcessorCount, Deadline);
        await using var survivor = await StartAsync(threads);
        Script.Do = (_, _, _) => Task.CompletedTask;

        await CompletedAsync(producer, threads, LongTime + Deadline);

        Script.Runs.Should().BeEmpty("the survivor was given nothing");
        starved.Runs.Select(run => run.Id).Should().OnlyHaveUniqueItems().And.HaveCount(threads);
        await CompletedAtFirstAttemptAsync(producer, ids);
        starved.Process.Lines.Should().NotContain(line => line.Contains("lost the lease", StringComparison.Ordinal) || line.Contains("was refused", StringComparison.Ordinal));
        Output.WriteLine($"{threads} handlers that each block a thread for {LongTime.TotalSeconds:0} s: no lease of {Lease.TotalSeconds:0} s was lost.");
    }

    /// <summary>One waits for ever and one holds a thread for ever; beside them a slot works on, and SIGTERM ends the process in its time.</summary>
    [NeedsRedisServerFact("SIGTERM of a worker")]
    public async Task Handlers_that_ignore_their_token_stop_neither_other_slots_nor_the_shutdown()
    {
        await using var producer = await StartAsync();
        await using var worker = StartProcess(concurrency: 3);
        var deaf = await EnqueueAsync(producer, "stubborn:3600000", "block:3600000");
        await worker.StartedAsync(deaf, Deadline);
        var others = await EnqueueAsync(producer, Enumerable.Repeat("work:10", 20));
        foreach (var id in others)
            await StateAsync(producer, id, JobState.Completed);

        var clock = System.Diagnostics.Stopwatch.StartNew();
        await worker.Process.TerminateAsync().WaitAsync(Deadline);

        Output.WriteLine($"SIGTERM with two handlers that ignore their token: the process had ended after {clock.Elapsed.TotalSeconds:0.0} s (grace 0.2 s, then 2 s to react).");
        clock.Elapsed.Should().BeLessThan(TimeSpan.FromSeconds(6));
        foreach (var id in deaf)
            (await producer.Queue.GetAsync(id))!.Should().BeEquivalentTo(new { State = JobState.Waiting, Attempt = 0, Lapses = 0 }, "handed back, without spending an attempt");
        (await StateOfQueueAsync()).CheckInvariants();
    }

    [NeedsRedisServerFact("a server of its own")]
    public async Task Cancellation_callback_that_never_returns_holds_up_no_lease_and_no_other_cancellation()
    {
        await using var host = await StartAsync(3);
        using var never = new ManualResetEventSlim();
        Script.Do = async (job, context, token) =>
        {
            if (job.What == "stuck")
                token.Register(() => never.Wait(CancellationToken.None));
            await Task.Delay(Timeout.Infinite, job.What == "stuck" ? CancellationToken.None : token);
        };
        var ids = await EnqueueAsync(host, "stuck", "other", "third");
        await Eventually.TrueAsync(() => Script.Runs.Count == 3, Deadline);

        await host.Queue.CancelAsync(ids[0], "stop");
        await Eventually.TrueAsync(() => host.Logs.Lines.Any(line => line.EventId.Id == 213), Deadline, () => "the callback did not block");
        await host.Queue.CancelAsync(ids[1], "stop");

        var took = await Eventually.TrueAsync(async () => (await host.Queue.GetAsync(ids[1]))!.State == JobState.Cancelled, Deadline);
        Output.WriteLine($"Beside a cancellation callback that never returns another job was cancelled after {took.TotalMilliseconds:0} ms.");
        await using var survivor = await StartAsync(3);
        await GraceIsOverAsync();
        await Task.Delay(Lease + TimeSpan.FromSeconds(1)); // long enough for a lease to be lost, if nobody extended it
        Script.Runs.Should().HaveCount(3, "nothing ran a second time");
        (await host.Queue.GetAsync(ids[2]))!.State.Should().Be(JobState.Active);
        never.Set();
    }

    /// <summary>Each of them in one slot, and after each an ordinary job.</summary>
    [NeedsRedisServerFact("a server of its own")]
    public async Task Whatever_a_handler_throws_or_returns_ends_its_own_job_only()
    {
        await using var host = await StartAsync(1, options: o => o.MaxAttempts = 2);
        Script.Do = (job, context, token) => job.What switch
        {
            "huge" => Return(context, new string('x', 100 * 1024 * 1024)),
            "unspeakable" => throw new Unspeakable(),
            "cancelled" => throw new OperationCanceledException("of its own accord"),
            "cyclic" => Return(context, new Cycle()),
            "null" => null!,
            _ => Return(context, 1),
        };
        var expected = new (string What, int Attempts, string Error)[]
        {
            ("huge", 1, "MaxPayloadBytes"), ("unspeakable", 2, nameof(Unspeakable)), ("cancelled", 2, "of its own accord"), ("cyclic", 2, "cycle"), ("null", 2, "NullReference"),
        };

        foreach (var (what, attempts, error) in expected)
        {
            var ids = await EnqueueAsync(host, what, "good");

            (await host.Queue.WaitForResultAsync<int>(ids[1], Deadline)).Should().Be(1, $"a good job runs beside '{what}'");
            var dead = await StateAsync(host, ids[0], JobState.Dead);
            dead.Attempt.Should().Be(attempts, what);
            dead.Error.Should().Contain(error);
        }

        (await StateOfQueueAsync()).CheckInvariants();
    }

    private static Task Return<T>(JobContext context, T result)
    {
        context.SetResult(result);
        return Task.CompletedTask;
    }

    private sealed class Cycle
    {
        public Cycle Self => this;
    }

    private sealed class Unspeakable : Exception
    {
        public override string Message => throw new InvalidOperationException("no text");

        public override string ToString() => throw new InvalidOperationException("no text");
    }
}
