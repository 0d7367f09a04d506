using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Resilient.Redis.Queue.Storage;
using Resilient.Redis.Queue.Torture.Checking;
using Resilient.Redis.Queue.Torture.Children;
using Resilient.Redis.Queue.Torture.Recording;
using Resilient.Redis.TestKit;
using StackExchange.Redis;
using Xunit.Sdk;

namespace Resilient.Redis.Queue.Torture.Running;

/// <summary>The run's own access to the queues: no proxy in between.</summary>
internal sealed class ControlPanel : IAsyncDisposable
{
    /// <summary>What does not move for so long does not move any more.</summary>
    private static readonly TimeSpan s_standstill = TimeSpan.FromSeconds(60);

    private static readonly string[] s_queues = [Settings.Queue, Settings.Next];

    private readonly RedisServer _redis;
    private readonly IHost _host;

    private ControlPanel(RedisServer redis, IHost host, Journal journal)
    {
        (_redis, _host) = (redis, host);
        Queue = QueueOf(Settings.Queue, journal);
        Next = QueueOf(Settings.Next, journal);
    }

    public RecordingQueue Queue { get; }

    private RecordingQueue Next { get; }

    public static async Task<ControlPanel> OpenAsync(RedisServer redis, Journal journal)
    {
        var host = Settings.Build(redis.Endpoint).Builder.Build();
        await host.StartAsync();
        return new ControlPanel(redis, host, journal);
    }

    /// <summary>More than the other workers can take at once: who starts none of these is deaf.</summary>
    public async Task ProbeAsync()
    {
        foreach (var (queue, name) in ((RecordingQueue, string)[])[(Queue, Settings.Queue), (Next, Settings.Next)])
        {
            for (var i = 0; i < 4 * Fleet.Workers * Settings.ConcurrencyOf(name); i++)
            {
                var id = JobId.New();
                await queue.EnqueueAsync((new Tried(default, "", id.Value), new TortureJob(JobKind.Short, 500), new EnqueueOptions { Id = id }));
            }
        }
    }

    /// <summary>Until nothing is under way, or nothing moves: what is left then is a violation.</summary>
    public async Task DrainAsync()
    {
        var (moved, before) = (Journal.Now, "");
        while (Journal.Now - moved < s_standstill)
        {
            try
            {
                var (left, picture) = await LookAsync();
                if (left == 0)
                    return;
                if (picture != before)
                    (moved, before) = (Journal.Now, picture);
            }
            catch (ResilientRedisException)
            {
                // A machine that stands still: the next look tells.
            }

            await Task.Delay(100);
        }
    }

    public async Task<FinalState> ReadAsync()
    {
        await using var connection = await _redis.ConnectAsync();
        var database = connection.GetDatabase();
        var jobs = new Dictionary<string, FinalJob>();
        var (accepted, lost, unended, inconsistency) = (0L, 0L, 0L, "");
        foreach (var name in s_queues)
        {
            var options = new JobQueueOptions();
            Settings.Apply(options);
            var keys = new QueueKeys(options.KeyPrefix, name);
            var state = await QueueState.ReadAsync(database, keys, new RedisJobStore(new RawRedis(connection), keys, options, RedisScripts.Default));
            foreach (var (id, job) in state.Jobs)
                inconsistency += jobs.TryAdd(id, FinalOf(job, name)) ? "" : $" {id} is in both queues.";
            var counts = await Admin(name).CountAsync();
            accepted += counts.TotalAccepted;
            lost += counts.TotalLost;
            unended += counts.Waiting + counts.Scheduled + counts.Active + await database.HashLengthAsync(keys.Outbox);
            inconsistency += Inconsistency(state, await Admin(name).AuditAsync());
        }

        return new FinalState(jobs, accepted, lost, unended, inconsistency.Length > 0 ? inconsistency : null, default, default, []);
    }

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
    }

    private RecordingQueue QueueOf(string name, Journal journal) => new(_host.Services.GetRequiredKeyedService<IJobQueue>(name), journal);

    private IJobQueueAdmin Admin(string name) => _host.Services.GetRequiredKeyedService<IJobQueueAdmin>(name);

    private async Task<(long Left, string Picture)> LookAsync()
    {
        var (left, picture) = (0L, "");
        foreach (var name in s_queues)
        {
            var counts = await Admin(name).CountAsync();
            left += counts.Waiting + counts.Scheduled + counts.Active + await OutboxLengthAsync(name);
            picture += counts with { Active = 0 };
        }

        return (left, picture);
    }

    private ValueTask<long> OutboxLengthAsync(string name) => _host.Services.GetRequiredKeyedService<IResilientRedis>("").ExecuteAsync(
        static (database, key) => database.HashLengthAsync(key), new QueueKeys(new JobQueueOptions().KeyPrefix, name).Outbox, RetrySafety.Idempotent);

    private static FinalJob FinalOf(JobInfo job, string queue) => new(
        job.State, job.Attempt, job.MaxAttempts, job.Lapses, job.Error, job.HasResult ? job.GetResult<long>() : null, queue, job.EnqueuedAt, job.EndedAt);

    private static string Inconsistency(QueueState state, AuditReport audit)
    {
        if (audit.Findings.Count > 0)
            return $"The queue's own audit finds: {string.Join(' ', audit.Findings.Select(finding => finding.Description))}";
        try
        {
            state.CheckInvariants();
            return "";
        }
        catch (XunitException error)
        {
            return error.Message;
        }
    }
}
