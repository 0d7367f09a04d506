using Microsoft.Extensions.DependencyInjection;
using Resilient.Redis.Queue.Storage;
using Resilient.Redis.Queue.Tests.Integration;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Faults;

/// <summary>Workers under real faults of Redis and of other workers, beside those in Promises/. Each test owns its server.</summary>
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
