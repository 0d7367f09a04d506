using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Resilient.Redis.Queue.Storage;
using Resilient.Redis.Queue.Tests.Integration;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Faults;

/// <summary>Workers under real faults of Redis, of other workers and of their own thread pool. Each test owns its server.</summary>
public sealed class WorkerFaultTests : IAsyncLifetime
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(40);

    private readonly Script _script = new();
    private RedisServer _redis = null!;

    public async Task InitializeAsync()
    {
        if (RedisServer.IsInstalled)
            _redis = await RedisServer.StartAsync("--appendonly", "yes", "--appendfsync", "always");
    }

    public async Task DisposeAsync()
    {
        if (_redis is not null)
            await _redis.DisposeAsync();
    }

    [NeedsRedisServerFact("a kill in mid-write, and an append-only file to come back from")]
    public async Task Redis_killed_and_restarted_in_the_middle_loses_nothing_and_spends_no_attempt()
    {
        var completed = new ConcurrentDictionary<JobId, int>();
        await using var worker = await StartAsync(4);
        _script.Do = async (_, context, token) =>
        {
            await Task.Delay(10, token);
            completed.AddOrUpdate(context.Id, 1, (_, runs) => runs + 1);
        };
        List<JobId> ids = [];
        for (var i = 0; i < 200; i++)
            ids.Add((await worker.Queue.EnqueueAsync(new DoJob($"{i}"))).Id);
        await Eventually.TrueAsync(() => completed.Count > 50, s_deadline);

        await _redis.KillAsync();
        await _redis.RestartAsync();
        var restarted = System.Diagnostics.Stopwatch.StartNew();
        var before = completed.Count;
        await Eventually.TrueAsync(() => completed.Count > before + 4, s_deadline);
        var recovery = restarted.Elapsed;

        await Eventually.TrueAsync(async () => (await worker.Admin.CountAsync()).TotalCompleted == 200, s_deadline, () => $"{completed.Count} ran");
        (await worker.Admin.CountAsync()).Should().BeEquivalentTo(new { Waiting = 0, Active = 0, Dead = 0, Scheduled = 0, TotalLost = 0 });
        foreach (var id in ids)
            (await worker.Queue.GetAsync(id))!.Should().BeEquivalentTo(new { State = JobState.Completed, Attempt = 1, Lapses = 0 });
        completed.Values.Should().OnlyContain(runs => runs == 1, "an outage is not a worker failure: nobody runs a job a second time");
        recovery.Should().BeLessThan(TimeSpan.FromSeconds(5));
    }

    [NeedsRedisServerFact("SIGSTOP")]
    public async Task Redis_frozen_for_longer_than_a_lease_hands_no_running_job_to_another_worker()
    {
        using var finish = new SemaphoreSlim(0);
        await using var first = await StartAsync(2);
        await using var second = await StartAsync(2);
        _script.Do = (_, _, token) => finish.WaitAsync(token);
        List<JobId> ids = [];
        for (var i = 0; i < 4; i++)
            ids.Add((await first.Queue.EnqueueAsync(new DoJob($"{i}"))).Id);
        await Eventually.TrueAsync(() => _script.Runs.Count == 4, s_deadline);

        _redis.Freeze();
        await Task.Delay(TimeSpan.FromSeconds(6)); // two leases of server time have to pass: there is nothing to await
        _redis.Thaw();
        await Eventually.TrueAsync(async () => await ActiveAsync(first) == 4, s_deadline);
        await Task.Delay(TimeSpan.FromSeconds(4)); // a lease and a look: long enough for a wrong recovery to happen
        finish.Release(4);

        await Eventually.TrueAsync(async () => (await first.Admin.CountAsync()).TotalCompleted == 4, s_deadline);
        _script.Runs.Should().HaveCount(4, "no job ran twice");
        foreach (var id in ids)
            (await first.Queue.GetAsync(id))!.Should().BeEquivalentTo(new { Attempt = 1, Lapses = 0 });
    }

    [NeedsRedisServerFact("a server of its own")]
    public async Task Job_of_a_worker_that_vanished_runs_elsewhere_within_one_lease_and_one_look()
    {
        await using var producer = await StartAsync(0);
        await using var raw = await _redis.ConnectAsync();
        var options = Options();
        var store = new RedisJobStore(new RawRedis(raw), new QueueKeys(options.KeyPrefix, "test"), options, RedisScripts.Default);
        var looks = 0;

        // A worker that has been looking for a lease (the grace of a fresh start is over), claims, and is never heard of again.
        var looking = System.Diagnostics.Stopwatch.StartNew();
        while (looking.Elapsed < options.Lease + TimeSpan.FromSeconds(0.5))
        {
            await store.WorkAsync("vanished", 0, new WorkCall(++looks, 0, true, []), default);
            await Task.Delay(200);
        }

        await producer.Queue.EnqueueAsync(new DoJob("x"));
        (await store.WorkAsync("vanished", 0, new WorkCall(++looks, 1, true, []), default)).Jobs.Should().ContainSingle();
        await using var worker = await StartAsync(2);

        var took = await Eventually.TrueAsync(async () => (await producer.Admin.CountAsync()).TotalCompleted == 1, s_deadline);

        took.Should().BeLessThan(options.Lease + TimeSpan.FromSeconds(1.5));
    }

    [NeedsRedisServerFact("a server of its own")]
    public async Task Handlers_that_block_every_thread_of_the_pool_cost_no_lease()
    {
        var threads = 8 * Environment.ProcessorCount;
        using var unblock = new ManualResetEventSlim();
        await using var observer = await StartAsync(0);
        await using var worker = await StartAsync(threads);
        _script.Do = (_, _, _) =>
        {
            unblock.Wait(CancellationToken.None); // sync-over-async in a user's handler
            return Task.CompletedTask;
        };
        for (var i = 0; i < threads; i++)
            await observer.Queue.EnqueueAsync(new DoJob($"{i}"));
        await Eventually.TrueAsync(() => _script.Runs.Count >= Environment.ProcessorCount, s_deadline);

        // The test's own awaits starve too: it looks from a thread of its own, over a connection of its own.
        await using var raw = await _redis.ConnectAsync();
        var keys = new QueueKeys(Options().KeyPrefix, "test");
        var lost = await Task.Factory.StartNew(
            () =>
            {
                var database = raw.GetDatabase();
                var gone = 0;
                var clock = System.Diagnostics.Stopwatch.StartNew();
                var active = database.SortedSetRangeByRank(keys.Active).ToHashSet();
                while (clock.Elapsed < TimeSpan.FromSeconds(8))
                {
                    gone += active.Count(id => database.SortedSetScore(keys.Active, id) is null);
                    Thread.Sleep(100);
                }

                return active.Count == 0 ? -1 : gone;
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        unblock.Set();

        lost.Should().Be(0);
        await Eventually.TrueAsync(async () => (await observer.Admin.CountAsync()).TotalCompleted == threads, s_deadline);
        _script.Runs.Should().HaveCount(threads, "no job ran twice");
        worker.Logs.Lines.Should().NotContain(line => line.EventId.Id == 201 || line.EventId.Id == 202);
    }

    [NeedsRedisServerFact("a server of its own")]
    public async Task Keys_deleted_by_hand_end_the_runs_and_the_worker_goes_on()
    {
        await using var worker = await StartAsync(2);
        var reason = new TaskCompletionSource<StopReason>(TaskCreationOptions.RunContinuationsAsynchronously);
        _script.Do = async (job, context, token) =>
        {
            if (job.What == "next")
                return;
            try
            {
                await Task.Delay(Timeout.Infinite, token);
            }
            finally
            {
                reason.TrySetResult(context.StopReason);
            }
        };
        await worker.Queue.EnqueueAsync(new DoJob("long"));
        await Eventually.TrueAsync(() => _script.Runs.Count == 1, s_deadline);

        await using var raw = await _redis.ConnectAsync();
        await raw.GetServers()[0].FlushAllDatabasesAsync();

        (await reason.Task.WaitAsync(s_deadline)).Should().Be(StopReason.LeaseLost);
        var (id, _) = await worker.Queue.EnqueueAsync(new DoJob("next"));
        await Eventually.TrueAsync(async () => (await worker.Queue.GetAsync(id))?.State == JobState.Completed, s_deadline);
    }

    private static JobQueueOptions Options() => new() { Lease = TimeSpan.FromSeconds(3) };

    private static async Task<long> ActiveAsync(QueueHost host)
    {
        try
        {
            return (await host.Admin.CountAsync()).Active;
        }
        catch (RedisUnavailableException)
        {
            return -1;
        }
    }

    private Task<QueueHost> StartAsync(int concurrency) => QueueHost.StartAsync(
        _redis.Endpoint,
        queue =>
        {
            queue.Services.AddSingleton(_script);
            if (concurrency > 0)
                queue.AddHandler<DoJob, DoHandler>().AddWorker(o => o.Concurrency = concurrency);
        },
        o => o.Lease = Options().Lease);
}
