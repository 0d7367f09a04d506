using System.Text.Json;
using StackExchange.Redis;

namespace Resilient.Redis.Queue.Storage;

/// <summary>One method for each script: arguments in, records out. The only code that knows keys, arguments and replies.</summary>
/// <remarks>Not sealed: the torture run derives from it and writes down what Redis answered.</remarks>
internal partial class RedisJobStore(
    IResilientRedis redis, QueueKeys keys, JobQueueOptions options, RedisScripts scripts, IRedisConnectionFactory? connections = null) : JobStore(keys.Queue, options.MaxLength)
{
    public QueueKeys Keys => keys;

    public override async ValueTask<WorkerLine> OpenLineAsync(CancellationToken cancellationToken)
    {
        if (connections is null)
            throw new InvalidOperationException("This store was made without a connection factory.");
        return new RedisWorkerLine(this, await connections.ConnectAsync(Adjust, cancellationToken).ConfigureAwait(false));

        void Adjust(ConfigurationOptions driver)
        {
            // A heartbeat that takes longer than a quarter of the lease is of no use, whatever REDIS_TIMEOUT says.
            var longest = (int)(options.Lease / 4).TotalMilliseconds;
            driver.SyncTimeout = Math.Min(driver.SyncTimeout, longest);
            driver.AsyncTimeout = Math.Min(driver.AsyncTimeout, longest);
            driver.AbortOnConnectFail = false;
            driver.AllowAdmin = true; // the driver sends INFO and CONFIG GET only then; the server decides
            driver.ClientName = $"{driver.ClientName}:{Queue}:worker".Replace(' ', '-');
        }
    }

    public override async ValueTask<ResultEar> OpenEarAsync(string listener, Action<string> ended, Action missed, CancellationToken cancellationToken) =>
        await RedisResultEar.OpenAsync(await redis.GetConnectionAsync(cancellationToken).ConfigureAwait(false), keys.Heard(listener), ended, missed).ConfigureAwait(false);

    public override async ValueTask<JobInfo?> InspectAsync(JobId id, JsonSerializerOptions serializer, string listener, CancellationToken cancellationToken)
    {
        RedisKey[] called = [keys.Root, keys.Scheduled, keys.Leases, keys.Job(id), keys.Waited];
        var reply = (RedisResult[])(await RunAsync(scripts.Inspect, called, [id.Value, listener], RetrySafety.Idempotent, cancellationToken).ConfigureAwait(false))!;
        return reply.Length == 0 ? null : ReadInfo(id, reply, serializer);
    }

    public override async ValueTask<QueueCounts> CountAsync(CancellationToken cancellationToken)
    {
        RedisKey[] called = [keys.Root, keys.Waiting, keys.Suspect, keys.Scheduled, keys.Active, keys.Dead, keys.Stats, keys.Settings, keys.Skip];
        var reply = (long[])(await RunAsync(scripts.Count, called, [], RetrySafety.Idempotent, cancellationToken).ConfigureAwait(false))!;
        return new QueueCounts
        {
            Waiting = reply[0],
            Scheduled = reply[1],
            Active = reply[2],
            Dead = reply[3],
            TotalAccepted = reply[4],
            TotalCompleted = reply[5],
            TotalTrimmed = reply[6],
            TotalLost = reply[7],
            TotalCancelled = reply[8],
            TotalRemoved = reply[9],
            IsPaused = reply[10] == 1,
            OldestReadyAge = reply[11] >= 0 ? TimeSpan.FromMilliseconds(reply[11]) : null,
            IsDraining = reply[12] == 1,
        };
    }

    public override async ValueTask<long> GetServerTimeAsync(CancellationToken cancellationToken)
    {
        var reply = (long[])(await redis.ExecuteAsync(
            static (database, _) => database.ExecuteAsync("TIME"), 0, RetrySafety.Idempotent, cancellationToken).ConfigureAwait(false))!;
        return reply[0] * 1000 + reply[1] / 1000;
    }

    private ValueTask<RedisResult> RunAsync(RedisScript script, RedisKey[] called, RedisValue[] arguments, RetrySafety safety, CancellationToken cancellationToken) =>
        redis.ExecuteAsync(
            static (database, call) => call.script.RunAsync(database, call.called, call.arguments),
            (script, called, arguments), safety, cancellationToken);

    private static JobAttempt ReadAttempt(RedisResult[] attempt) => new(
        (int)attempt[0],
        DateTimeOffset.FromUnixTimeMilliseconds((long)attempt[1]),
        (string?)attempt[2] is { Length: > 0 } worker ? worker : null,
        (JobAttemptOutcome)(int)attempt[3],
        (string?)attempt[4] is { Length: > 0 } error ? error : null);

    /// <summary>What Scripts/_describe.lua replies.</summary>
    private static JobInfo ReadInfo(JobId id, RedisResult[] reply, JsonSerializerOptions serializer) => new((byte[]?)reply[10] ?? [], serializer)
    {
        Id = id,
        State = (JobState)(int)reply[0],
        JobName = (string)reply[1]!,
        Attempt = (int)reply[2],
        MaxAttempts = (int)reply[3],
        Lapses = (int)reply[4],
        EnqueuedAt = DateTimeOffset.FromUnixTimeMilliseconds((long)reply[5]),
        DueAt = Moment(reply[6]),
        ClaimedAt = Moment(reply[7]),
        EndedAt = Moment(reply[8]),
        Error = (string?)reply[9] is { Length: > 0 } error ? error : null,
        Progress = JobProgress.Read((string)reply[11]!),
        CancelReason = (string?)reply[12] is { Length: > 0 } reason ? reason : null,
        History = [.. ((RedisResult[])reply[13]!).Select(attempt => ReadAttempt((RedisResult[])attempt!))],
    };

    private static ReplyCode Code(RedisResult reply) => (ReplyCode)(int)reply;

    private static DateTimeOffset? Moment(RedisResult reply) => (long)reply is not 0 and var ms ? DateTimeOffset.FromUnixTimeMilliseconds(ms) : null;

    private static long Milliseconds(TimeSpan span) => (long)span.TotalMilliseconds;
}
