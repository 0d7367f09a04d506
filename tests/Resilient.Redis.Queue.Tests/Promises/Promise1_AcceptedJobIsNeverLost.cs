using System.Collections.Concurrent;
using System.Diagnostics;
using Resilient.Redis.Queue.Tests.Integration;
using Resilient.Redis.TestKit;
using Xunit.Abstractions;

namespace Resilient.Redis.Queue.Tests.Promises;

/// <summary>Once an enqueue has returned, the job runs to an end, whatever happens to producers and workers, as long as Redis keeps what it acknowledged.</summary>
public sealed class Promise1_AcceptedJobIsNeverLost(ITestOutputHelper output) : PromiseTest(output)
{
    [NeedsRedisServerFact("a kill in mid-write, and an append-only file to come back from")]
    public async Task Redis_killed_and_restarted_in_the_middle_loses_nothing_and_spends_no_attempt()
    {
        var completed = new ConcurrentDictionary<JobId, int>();
        await using var worker = await StartAsync(4);
        Script.Do = async (_, context, token) =>
        {
            await Task.Delay(20, token);
            completed.AddOrUpdate(context.Id, 1, (_, runs) => runs + 1);
        };
        List<JobId> ids = [.. (await worker.Queue.EnqueueManyAsync(Enumerable.Range(0, 500).Select(i => new DoJob($"{i}")))).Select(result => result.Id)];
        await Eventually.TrueAsync(() => completed.Count > 50, Deadline);

        await Redis.KillAsync();
        await Redis.RestartAsync();
        var restarted = Stopwatch.StartNew();
        var before = completed.Count;
        await Eventually.TrueAsync(() => completed.Count > before + 4, Deadline); // four slots: what ran on through the outage does not count
        var recovery = restarted.Elapsed;

        await CompletedAsync(worker, ids.Count);
        Output.WriteLine($"Redis killed and restarted: jobs are handed out again {recovery.TotalMilliseconds:0} ms after it answers.");
        (await worker.Admin.CountAsync()).Should().BeEquivalentTo(new { Waiting = 0, Active = 0, Dead = 0, Scheduled = 0, TotalLost = 0 });
        await CompletedAtFirstAttemptAsync(worker, ids);
        completed.Values.Should().OnlyContain(runs => runs == 1, "an outage is not a worker failure: nobody runs a job a second time");
        recovery.Should().BeLessThan(TimeSpan.FromSeconds(5));
    }

    /// <summary>Each life is shorter than a lease, and there is no other worker: each start finds a gap in queue time, and that must not put recovery off for ever.</summary>
    [NeedsRedisServerFact("SIGKILL of workers")]
    public async Task Worker_that_crashes_again_and_again_loses_no_job_and_recovers_what_its_former_lives_held()
    {
        const int Lives = 4;
        await using var producer = await StartAsync();
        var ids = await EnqueueAsync(producer, Enumerable.Repeat("work:400", 24));
        var runs = new List<Run>();
        for (var life = 0; life < Lives; life++)
        {
            await using var worker = StartProcess();
            // It completes some, and dies with four that run.
            await Eventually.TrueAsync(() => worker.Runs.Count(run => run.To is not null) >= 4 && worker.Runs.Any(run => run.To is null), Deadline, () => string.Join('\n', worker.Process.Lines));
            await worker.Process.KillAsync();
            runs.AddRange(worker.Runs);
        }

        var started = Stopwatch.StartNew();
        await using (var last = StartProcess())
        {
            await CompletedAsync(producer, ids.Count);
            runs.AddRange(last.Runs);
        }

        Output.WriteLine($"{Lives} crashes: the fifth life had completed all {started.Elapsed.TotalSeconds:0.0} s after its start.");
        (await producer.Admin.CountAsync()).Should().BeEquivalentTo(new { Waiting = 0, Active = 0, Dead = 0, Scheduled = 0, TotalLost = 0 });
        await CompletedAtFirstAttemptAsync(producer, ids, lapsesToo: false);
        foreach (var run in runs.GroupBy(run => run.Id))
        {
            run.Count(one => one.Reason == nameof(StopReason.None)).Should().BeLessThanOrEqualTo(2, "a run that ended in the moment of the kill may not have been settled, once");
            run.OrderBy(one => one.From).Select(one => one.Token).Should().BeInAscendingOrder().And.OnlyHaveUniqueItems();
        }
    }

    /// <summary>Producers are as mortal: what was acknowledged before the kill is there, and what was not is there once or not at all.</summary>
    [NeedsRedisServerFact("a producer that is cut off in the middle")]
    public async Task What_was_acknowledged_to_producers_runs_although_their_connections_break_all_the_time()
    {
        await using var proxy = FaultProxy.Start(Redis);
        await using var producer = await StartAsync(endpoint: proxy.Endpoint);
        await using var worker = await StartAsync(2);
        var acknowledged = new ConcurrentBag<JobId>();
        var (breaks, failures) = (0, 0);

        await Task.WhenAll(Enumerable.Range(0, 4).Select(async _ =>
        {
            while (acknowledged.Count < 200)
            {
                try
                {
                    acknowledged.Add((await producer.Queue.EnqueueAsync(new DoJob("x"))).Id);
                    // While the others' calls are under way.
                    if (acknowledged.Count % 7 == 0)
                    {
                        Interlocked.Increment(ref breaks);
                        proxy.Reset();
                    }
                }
                catch (RedisUnavailableException)
                {
                    Interlocked.Increment(ref failures); // not acknowledged: nothing is promised
                    await Task.Delay(20);
                }
            }
        })).WaitAsync(Deadline);

        foreach (var id in acknowledged)
            await StateAsync(worker, id, JobState.Completed);
        breaks.Should().BeGreaterThan(10);
        Output.WriteLine($"{acknowledged.Count} enqueues acknowledged over {breaks} breaks of the connections, {failures} not.");
        Script.Runs.Select(run => run.Id).Should().OnlyHaveUniqueItems().And.Contain(acknowledged);
    }
}
