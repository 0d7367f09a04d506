using StackExchange.Redis;

namespace Resilient.Redis.Queue.Storage;

/// <summary>What a worker calls: claim, settle and extend. What many jobs have in common is sent once: the server takes in and answers each text apart.</summary>
internal partial class RedisJobStore
{
    private const int ExtensionsInOneCall = 500;
    private const int FieldsOfJob = 3;
    private const int FieldsOfSettlement = 3;
    private const string Done = "done";

    public override async ValueTask<WorkReply> WorkAsync(string session, int lane, WorkCall call, CancellationToken cancellationToken)
    {
        var settlements = call.Settlements;
        var order = InOrder(settlements);
        List<RedisValue> arguments = [.. Common(session), call.Sequence, call.Want, call.RoomForOneAlone];
        AddSettlements(arguments, settlements, order);

        var script = settlements.Count > 0 ? scripts.Settle : scripts.Claim;
        var reply = (RedisResult[])(await RunAsync(script, KeysOf(session, lane, settlements, order), [.. arguments], RetrySafety.Idempotent, cancellationToken).ConfigureAwait(false))!;
        return new WorkReply(
            Code(reply[0]),
            TimeSpan.FromMilliseconds((long)reply[2]),
            (long)reply[3] is >= 0 and var ms ? TimeSpan.FromMilliseconds(ms) : null,
            (bool)reply[4],
            Code(reply[0]) == ReplyCode.Accepted ? ReadSettlements((RedisResult[])reply[5]!, order) : [],
            ReadJobs((RedisResult[])reply[6]!))
        {
            ServerTime = (long)reply[1],
        };
    }

    public override async ValueTask<ReplyCode[]> ExtendAsync(string session, IReadOnlyList<Extension> extensions, CancellationToken cancellationToken)
    {
        var codes = new List<ReplyCode>(extensions.Count);
        foreach (var part in extensions.Chunk(ExtensionsInOneCall))
        {
            var (arguments, order) = Extending(session, part);
            codes.AddRange(ReadExtended(await RunAsync(scripts.Extend, keys.Worker, arguments, RetrySafety.Idempotent, cancellationToken).ConfigureAwait(false), order).Codes);
        }

        return [.. codes];
    }

    /// <summary>As <see cref="ExtendAsync"/>, in one call.</summary>
    /// <remarks>Synchronous on purpose: the lease keeper's own thread calls it, on a connection of its own (rule R18).</remarks>
    public ExtendReply Extend(IDatabase database, string session, Extension[] extensions)
    {
        var (arguments, order) = Extending(session, extensions);
        return ReadExtended(scripts.Extend.Run(database, keys.Worker, arguments), order);
    }

    /// <summary>The places of what is sent, so that what goes by the same number goes together; else as they were.</summary>
    private static int[] InOrder(int count, Func<int, long> number) => [.. Enumerable.Range(0, count).OrderBy(number)];

    /// <summary>What goes by one token and is of one shape together; then the others, as they were. All as they were where a job is named twice: then their order matters.</summary>
    private static int[] InOrder(IReadOnlyList<Settlement> settlements)
    {
        var order = new int[settlements.Count];
        var ids = new HashSet<JobId>(order.Length);
        for (var i = 0; i < order.Length; i++)
        {
            order[i] = i;
            ids.Add(settlements[i].Lease.Id);
        }

        if (ids.Count == order.Length)
            Array.Sort(order, Compare);
        return order;

        int Compare(int one, int other)
        {
            var (a, b) = (settlements[one], settlements[other]);
            var by = TokenOf(a).CompareTo(TokenOf(b));
            if (by == 0 && IsDone(a) && !ReferenceEquals(a.Shape, b.Shape))
                by = string.CompareOrdinal(a.Shape?.Name, b.Shape?.Name);
            return by == 0 ? one - other : by;
        }

        static long TokenOf(Settlement settlement) => IsDone(settlement) ? settlement.Lease.Token : long.MaxValue;
    }

    private static bool IsDone(Settlement settlement) =>
        settlement is { Started: true, Outcome: Outcome.Completed { Result.Length: 0, FollowUps: null or { Count: 0 } } };

    /// <summary>ARGV[1..5] of Scripts/_worker.lua, and ARGV[6..8] of _limit.lua.</summary>
    private RedisValue[] Common(string session) =>
    [
        session, Milliseconds(options.Lease), options.MaxDeliveries, Milliseconds(options.DeadRetention), options.DeadLimit,
        options.MaxConcurrency ?? 0, options.RateLimit?.Starts ?? 0, Milliseconds(options.RateLimit?.Period ?? TimeSpan.Zero),
    ];

    private RedisKey[] KeysOf(string session, int lane, IReadOnlyList<Settlement> settlements, int[] order)
    {
        var called = new List<RedisKey>(keys.Worker.Length + 2 + order.Length);
        called.AddRange(keys.Worker);
        called.Add(keys.Lane(session, lane));
        var outbox = false;
        foreach (var i in order)
            called.Add(keys.Job(settlements[i].Lease.Id));
        foreach (var i in order)
        {
            if (settlements[i].Outcome is not Outcome.Completed { FollowUps: { Count: > 0 } followUps })
                continue;
            foreach (var followUp in followUps)
            {
                if (followUp.Queue.Length > 0)
                    outbox = true;
                else
                    called.Add(keys.Job(followUp.Job.Id));
            }
        }

        if (outbox)
            called.Add(keys.Outbox);
        return [.. called];
    }

    private void AddSettlements(List<RedisValue> arguments, IReadOnlyList<Settlement> settlements, int[] order)
    {
        for (var at = 0; at < order.Length;)
        {
            var settlement = settlements[order[at]];
            if (!IsDone(settlement))
            {
                AddSettlement(arguments, settlement);
                at++;
                continue;
            }

            var from = at++;
            while (at < order.Length && settlements[order[at]] is var next && IsDone(next) && next.Lease.Token == settlement.Lease.Token && IsOf(next.Shape, settlement.Shape))
                at++;
            arguments.AddRange([settlement.Lease.Token, Done, at - from, settlement.Shape?.Packed ?? [], settlement.Shape is null ? RedisValue.EmptyString : Times(settlements, order.AsSpan(from..at))]);
        }
    }

    private static bool IsOf(FreshShape? shape, FreshShape? other) =>
        ReferenceEquals(shape, other) || (shape is not null && other is not null && shape.Packed.AsSpan().SequenceEqual(other.Packed));

    private static byte[] Times(IReadOnlyList<Settlement> settlements, ReadOnlySpan<int> places)
    {
        var times = new byte[places.Length * FreshRecord.TimeBytes];
        for (var i = 0; i < places.Length; i++)
            FreshRecord.WriteTime(times.AsSpan(i * FreshRecord.TimeBytes), settlements[places[i]].EnqueuedAt);
        return times;
    }

    private void AddSettlement(List<RedisValue> arguments, Settlement settlement)
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
        arguments.AddRange([settlement.Lease.Token, outcome, settlement.Started, Milliseconds(delay), error, result, followUps.Count]);
        foreach (var followUp in followUps)
        {
            arguments.Add(followUp.Job.Id.Value);
            arguments.Add(How(followUp.Job));
            arguments.Add(followUp.Job.Body);
            arguments.Add(followUp.Queue);
        }
    }

    private (RedisValue[] Arguments, int[] Order) Extending(string session, Extension[] extensions)
    {
        var order = InOrder(extensions.Length, i => extensions[i].Lease.Token);
        List<RedisValue> arguments = [.. Common(session)];
        for (var at = 0; at < order.Length;)
        {
            var (first, from) = (extensions[order[at]], at);
            do
                at++;
            while (first.Progress.Length == 0 && at < order.Length && extensions[order[at]] is { Progress: "" } next && (next.Lease.Token, next.Started) == (first.Lease.Token, first.Started));
            arguments.AddRange([first.Lease.Token, first.Started, first.Progress, at - from]);
            for (; from < at; from++)
                arguments.Add(extensions[order[from]].Lease.Id.Value);
        }

        return ([.. arguments], order);
    }

    private static SettlementReply[] ReadSettlements(RedisResult[] unlike, int[] order)
    {
        var replies = new SettlementReply[order.Length];
        Array.Fill(replies, new SettlementReply(ReplyCode.Accepted, JobState.Completed));
        for (var i = 0; i < unlike.Length; i += FieldsOfSettlement)
            replies[order[(int)unlike[i]]] = new SettlementReply(Code(unlike[i + 1]), (int)unlike[i + 2] is not 0 and var state ? (JobState)state : null);
        return replies;
    }

    private static ClaimedJob[] ReadJobs(RedisResult[] told)
    {
        var jobs = new ClaimedJob[told.Length / FieldsOfJob];
        var fresh = new FreshRecord();
        for (var i = 0; i < jobs.Length; i++)
        {
            var lease = new Lease(JobId.Stored((string)told[FieldsOfJob * i]!), (long)told[FieldsOfJob * i + 1]);
            var job = told[FieldsOfJob * i + 2];
            jobs[i] = job.Length < 0 ? fresh.Read(lease, (byte[])job!) : ReadJob(lease, (RedisResult[])job!);
        }

        return jobs;
    }

    private static ClaimedJob ReadJob(Lease lease, RedisResult[] job) => new(
        lease, (int)job[0], (int)job[1], (bool)job[2], TimeSpan.FromMilliseconds((long)job[3]), (long)job[4], (string)job[5]!, (byte[])job[6]!);

    private static ExtendReply ReadExtended(RedisResult reply, int[] order)
    {
        var parts = (RedisResult[])reply!;
        var codes = new ReplyCode[order.Length];
        Array.Fill(codes, ReplyCode.Accepted);
        foreach (var place in (RedisResult[])parts[2]!)
            codes[order[(int)place]] = ReplyCode.Lost;
        return new ExtendReply(codes, [.. ((RedisResult[])parts[3]!).Chunk(2).Select(pair => (order[(int)pair[0]], (string)pair[1]!))]);
    }
}
