using System.Text.Json;
using StackExchange.Redis;

namespace Resilient.Redis.Queue.Storage;

/// <summary>One method for each script: arguments in, records out. The only code that knows keys, arguments and replies.</summary>
/// <remarks>Not sealed: the torture run derives from it and writes down what Redis answered.</remarks>
internal partial class RedisJobStore(
    IResilientRedis redis, QueueKeys keys, JobQueueOptions options, RedisScripts scripts, IRedisConnectionFactory? connections = null) : JobStore(keys.Queue, options.MaxLength)
{
    private const int FieldsOfExtension = 4;
    private const int ExtensionsInOneCall = 1000;

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

    public override async ValueTask<WorkReply> WorkAsync(string session, int lane, WorkCall call, CancellationToken cancellationToken)
    {
        RedisKey[] called = [.. keys.Worker, keys.Lane(session, lane), .. call.Settlements.Select(settlement => keys.Job(settlement.Lease.Id)), .. FollowUpKeys(call.Settlements)];
        List<RedisValue> arguments = [.. Common(session), call.Sequence, call.Want, call.RoomForOneAlone];
        foreach (var settlement in call.Settlements)
            AddSettlement(arguments, settlement);

        var script = call.Settlements.Count > 0 ? scripts.Settle : scripts.Claim;
        var reply = (RedisResult[])(await RunAsync(script, called, [.. arguments], RetrySafety.Idempotent, cancellationToken).ConfigureAwait(false))!;
        return new WorkReply(
            Code(reply[0]),
            TimeSpan.FromMilliseconds((long)reply[2]),
            (long)reply[3] is >= 0 and var ms ? TimeSpan.FromMilliseconds(ms) : null,
            (bool)reply[4],
            ReadSettlements((RedisResult[])reply[5]!),
            [.. ((RedisResult[])reply[6]!).Select(job => ReadJob((RedisResult[])job!))])
        {
            ServerTime = (long)reply[1],
        };
    }

    public override async ValueTask<ReplyCode[]> ExtendAsync(string session, IReadOnlyList<Extension> extensions, CancellationToken cancellationToken)
    {
        var codes = new List<ReplyCode>(extensions.Count);
        foreach (var part in extensions.Chunk(ExtensionsInOneCall))
        {
            var reply = await RunAsync(scripts.Extend, keys.Worker, Arguments(session, part), RetrySafety.Idempotent, cancellationToken).ConfigureAwait(false);
            codes.AddRange(ReadExtended(reply).Codes);
        }

        return [.. codes];
    }

    /// <summary>As <see cref="ExtendAsync"/>, for at most 1,000 leases.</summary>
    /// <remarks>Synchronous on purpose: the lease keeper's own thread calls it, on a connection of its own (rule R18).</remarks>
    public ExtendReply Extend(IDatabase database, string session, Extension[] extensions) =>
        ReadExtended(scripts.Extend.Run(database, keys.Worker, Arguments(session, extensions)));

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

    /// <summary>ARGV[1..5] of Scripts/_worker.lua, and ARGV[6..8] of _limit.lua.</summary>
    private RedisValue[] Common(string session) =>
    [
        session, Milliseconds(options.Lease), options.MaxDeliveries, Milliseconds(options.DeadRetention), options.DeadLimit,
        options.MaxConcurrency ?? 0, options.RateLimit?.Starts ?? 0, Milliseconds(options.RateLimit?.Period ?? TimeSpan.Zero),
    ];

    private RedisValue[] Arguments(string session, Extension[] extensions)
    {
        var common = Common(session);
        var arguments = new RedisValue[common.Length + extensions.Length * FieldsOfExtension];
        common.CopyTo(arguments, 0);
        for (var i = 0; i < extensions.Length; i++)
        {
            var at = common.Length + i * FieldsOfExtension;
            arguments[at] = extensions[i].Lease.Id.Value;
            arguments[at + 1] = extensions[i].Lease.Token;
            arguments[at + 2] = extensions[i].Started;
            arguments[at + 3] = extensions[i].Progress;
        }

        return arguments;
    }

    private static void AddSettlement(List<RedisValue> arguments, Settlement settlement)
    {
        var (outcome, delay, error, result) = settlement.Outcome switch
        {
            Outcome.Completed completed => ("complete", TimeSpan.Zero, "", completed.Result),
            Outcome.Failed failed => ("fail", failed.Delay, failed.Error, default),
            Outcome.PutOff putOff => ("later", putOff.Delay, putOff.Reason, default),
            Outcome.Unknown unknown => ("unknown", unknown.Delay, unknown.Error, default),
            Outcome.Dead dead => ("dead", TimeSpan.Zero, dead.Reason, default),
            Outcome.Returned => ("return", TimeSpan.Zero, "", default(ReadOnlyMemory<byte>)),
            _ => throw new InvalidOperationException($"Outcome {settlement.Outcome.GetType().Name} has no name in settle.lua."),
        };
        var followUps = (settlement.Outcome as Outcome.Completed)?.FollowUps ?? [];
        arguments.AddRange([settlement.Lease.Id.Value, settlement.Lease.Token, outcome, settlement.Started, Milliseconds(delay), error, result, followUps.Count]);
        foreach (var followUp in followUps)
        {
            AddArrival(arguments, followUp.Job);
            arguments.Add(followUp.Queue);
        }
    }

    private static SettlementReply[] ReadSettlements(RedisResult[] pairs)
    {
        var replies = new SettlementReply[pairs.Length / 2];
        for (var i = 0; i < replies.Length; i++)
            replies[i] = new SettlementReply(Code(pairs[2 * i]), (int)pairs[2 * i + 1] is not 0 and var state ? (JobState)state : null);
        return replies;
    }

    private static ClaimedJob ReadJob(RedisResult[] job) => new(
        new Lease(JobId.Stored((string)job[0]!), (long)job[1]),
        (int)job[2],
        (int)job[3],
        (bool)job[4],
        TimeSpan.FromMilliseconds((long)job[5]),
        (long)job[6],
        (string)job[7]!,
        (byte[])job[8]!);

    private static JobAttempt ReadAttempt(RedisResult[] attempt) => new(
        (int)attempt[0],
        DateTimeOffset.FromUnixTimeMilliseconds((long)attempt[1]),
        (string?)attempt[2] is { Length: > 0 } worker ? worker : null,
        (JobAttemptOutcome)(int)attempt[3],
        (string?)attempt[4] is { Length: > 0 } error ? error : null);

    private static ExtendReply ReadExtended(RedisResult reply)
    {
        var parts = (RedisResult[])reply!;
        var cancelled = (RedisResult[])parts[3]!;
        return new ExtendReply(
            [.. ((RedisResult[])parts[2]!).Select(Code)],
            [.. cancelled.Chunk(2).Select(pair => ((int)pair[0], (string)pair[1]!))]);
    }

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
