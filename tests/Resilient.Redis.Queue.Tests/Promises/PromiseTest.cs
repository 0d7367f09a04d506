using Microsoft.Extensions.DependencyInjection;
using Resilient.Redis.Queue.Storage;
using Resilient.Redis.Queue.Tests.Integration;
using Resilient.Redis.TestKit;
using Xunit.Abstractions;

namespace Resilient.Redis.Queue.Tests.Promises;

/// <summary>A promise, held to on a redis-server of the test's own that keeps what it acknowledges: real processes, real signals, real sockets.</summary>
/// <remarks>What is measured is printed, so that a run can be quoted.</remarks>
public abstract class PromiseTest(ITestOutputHelper output) : IAsyncLifetime
{
    /// <summary>The shortest that is allowed, so that the tests are short; the default is 10 s.</summary>
    protected static readonly TimeSpan Lease = TimeSpan.FromSeconds(3);

    /// <summary>For what has no promise of its own: long, since machines that run tests are slow.</summary>
    protected static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    /// <summary>How long an outage or a blocked thread pool lasts: several leases; a minute where LONG_FAULTS=1 (CONTRIBUTING.md).</summary>
    protected static readonly TimeSpan LongTime = TimeSpan.FromSeconds(Environment.GetEnvironmentVariable("LONG_FAULTS") == "1" ? 60 : 12);

    /// <summary>A busy machine's own delay, on top of what is promised.</summary>
    protected static readonly TimeSpan Slack = TimeSpan.FromSeconds(0.5);

    private RedisServer? _redis;

    protected RedisServer Redis => _redis!;

    protected ITestOutputHelper Output => output;

    /// <summary>What handlers in this process do.</summary>
    internal Script Script { get; } = new();

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

    /// <summary>An application in this process; a producer where <paramref name="concurrency"/> is 0.</summary>
    internal Task<QueueHost> StartAsync(
        int concurrency = 0, TimeSpan? lease = null, string? endpoint = null, Action<JobQueueOptions>? options = null, Action<ResilientRedisOptions>? redis = null,
        Action<JobWorkerOptions>? worker = null) =>
        QueueHost.StartAsync(
            endpoint ?? Redis.Endpoint,
            queue =>
            {
                queue.Services.AddSingleton(Script);
                if (concurrency > 0)
                    queue.AddHandler<DoJob, DoHandler>().AddWorker(o =>
                    {
                        o.Concurrency = concurrency;
                        worker?.Invoke(o);
                    });
            },
            o =>
            {
                (o.Lease, o.BackoffBase) = (lease ?? Lease, TimeSpan.FromMilliseconds(50));
                options?.Invoke(o);
            },
            redis);

    internal WorkerProcess StartProcess(TimeSpan? lease = null, int concurrency = 4, int maxDeliveries = 10) =>
        WorkerProcess.Start(Redis, lease ?? Lease, concurrency, maxDeliveries);

    internal static async Task<List<JobId>> EnqueueAsync(QueueHost producer, params IEnumerable<string> whats)
    {
        var ids = new List<JobId>();
        foreach (var what in whats)
            ids.Add((await producer.Queue.EnqueueAsync(new DoJob(what))).Id);
        return ids;
    }

    /// <summary>Workers have looked for a lease: the grace of a fresh start is over.</summary>
    protected async Task GraceIsOverAsync()
    {
        await using var connection = await Redis.ConnectAsync();
        var clock = new QueueKeys("rrq", "test").Clock;
        await Eventually.TrueAsync(
            async () => await connection.GetDatabase().HashGetAsync(clock, ["q", "hold"]) is [{ IsNull: false } q, { IsNull: false } hold] && (long)q >= (long)hold,
            Deadline, () => "the grace of a fresh start did not end");
    }

    internal static Task<TimeSpan> CompletedAsync(QueueHost producer, long jobs, TimeSpan? within = null) =>
        Eventually.TrueAsync(async () => (await CountsAsync(producer))?.TotalCompleted == jobs, within ?? Deadline, () => $"not all of {jobs} jobs were completed. {producer.Logs.Text}");

    internal static async Task<JobInfo> StateAsync(QueueHost producer, JobId id, JobState wanted)
    {
        JobInfo? job = null;
        await Eventually.TrueAsync(
            async () => (job = await producer.Queue.GetAsync(id))?.State == wanted, Deadline, () => $"job {id} is {job?.State.ToString() ?? "unknown"} ({job?.Error}), wanted {wanted}");
        return job!;
    }

    /// <summary>Null while Redis is away.</summary>
    internal static async Task<QueueCounts?> CountsAsync(QueueHost producer)
    {
        try
        {
            return await producer.Admin.CountAsync();
        }
        catch (RedisUnavailableException)
        {
            return null;
        }
    }

    /// <summary>All of them completed at their first attempt; and the invariants hold.</summary>
    internal async Task CompletedAtFirstAttemptAsync(QueueHost producer, IEnumerable<JobId> ids, bool lapsesToo = true)
    {
        foreach (var id in ids)
        {
            var job = (await producer.Queue.GetAsync(id))!;
            job.Should().BeEquivalentTo(new { State = JobState.Completed, Attempt = 1 });
            if (lapsesToo)
                job.Lapses.Should().Be(0);
        }

        (await StateOfQueueAsync()).CheckInvariants();
    }

    internal async Task<QueueState> StateOfQueueAsync(string queue = "test")
    {
        await using var connection = await Redis.ConnectAsync();
        var options = new JobQueueOptions();
        var keys = new QueueKeys(options.KeyPrefix, queue);
        return await QueueState.ReadAsync(connection.GetDatabase(), keys, new RedisJobStore(new RawRedis(connection), keys, options, RedisScripts.Default));
    }
}
