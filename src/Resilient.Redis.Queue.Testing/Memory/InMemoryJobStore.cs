using System.Text.Json;
using Resilient.Redis.Queue.Storage;

namespace Resilient.Redis.Queue.Testing.Memory;

/// <summary>A queue in this process, rule for rule as the scripts keep it: the model test holds the two against each other. One lock stands for Redis's one thread.</summary>
/// <param name="queue">Its name.</param>
/// <param name="options">As for Redis.</param>
/// <param name="serverClock">Server time in µs.</param>
/// <param name="expiryClock">Time in ms for what goes by itself, as Redis's TTLs do; server time when null. Apart for tests that move the server's clock only.</param>
internal sealed partial class InMemoryJobStore(string queue, JobQueueOptions options, Func<long> serverClock, Func<long>? expiryClock = null)
    : JobStore(queue, options.MaxLength)
{
    private readonly Lock _gate = new();
    private readonly QueueData _data = new(expiryClock ?? (() => serverClock() / 1000));

    /// <summary>Called after each call that may have changed something, outside the lock.</summary>
    public Action? Changed { get; set; }

    public override ValueTask<WorkerLine> OpenLineAsync(CancellationToken cancellationToken) => new(new InMemoryWorkerLine(this));

    public override ValueTask<WorkReply> WorkAsync(string session, int lane, WorkCall call, CancellationToken cancellationToken) =>
        WriteAsync(() => Work(session, lane, call), cancellationToken);

    public override ValueTask<ReplyCode[]> ExtendAsync(string session, IReadOnlyList<Extension> extensions, CancellationToken cancellationToken) =>
        extensions.Count == 0 ? new([]) : WriteAsync(() => ExtendAll(session, extensions).Codes, cancellationToken); // nothing to ask, no look

    /// <summary>As <see cref="ExtendAsync"/>, on the thread that calls.</summary>
    public ExtendReply Extend(string session, IReadOnlyList<Extension> extensions) => Write(() => ExtendAll(session, extensions));

    /// <summary>From now on the session's doorbell calls <paramref name="heard"/>; null for nobody.</summary>
    public void Hear(string session, Action<string>? heard)
    {
        lock (_gate)
        {
            if (heard is null)
                _data.Hearers.Remove(session);
            else
                _data.Hearers[session] = heard;
        }
    }

    public override ValueTask<JobInfo?> InspectAsync(JobId id, JsonSerializerOptions serializer, string listener, CancellationToken cancellationToken) => ReadAsync(
        data =>
        {
            if (listener.Length > 0 && data.Find(id.Value) is StoredJob job)
            {
                if (job.State == StoredJob.Live)
                    data.Await(id.Value, listener);
                else
                    data.TellWaiting(id.Value);
            }

            return Inspect(data, id, serializer);
        },
        cancellationToken);

    public override ValueTask<ResultEar> OpenEarAsync(string listener, Action<string> ended, Action missed, CancellationToken cancellationToken) => ReadAsync<ResultEar>(
        data =>
        {
            data.Ears[listener] = ended;
            return new InMemoryResultEar(() => Read(data => data.Ears.Remove(listener)));
        },
        cancellationToken);

    /// <summary>As <see cref="InspectAsync"/>, under a lock that the caller may hold.</summary>
    public JobInfo? Inspect(string id, JsonSerializerOptions serializer) => Read(data => Inspect(data, JobId.Stored(id), serializer));

    public override ValueTask<QueueCounts> CountAsync(CancellationToken cancellationToken) => ReadAsync(
        data => new QueueCounts
        {
            Waiting = data.Waiting.Count + data.Suspect.Count,
            Scheduled = data.Scheduled.Count,
            Active = data.Active.Count,
            Dead = data.Dead.Count,
            TotalAccepted = data.Stat("accepted"),
            TotalCompleted = data.Stat("completed"),
            TotalTrimmed = data.Stat("trimmed"),
            TotalLost = data.Stat("lost"),
            TotalCancelled = data.Stat("cancelled"),
            TotalRemoved = data.Stat("removed"),
            IsPaused = data.IsPaused,
            OldestReadyAge = OldestReadyAge(data),
            IsDraining = data.IsDraining,
        },
        cancellationToken);

    public override ValueTask<long> GetServerTimeAsync(CancellationToken cancellationToken) => ReadAsync(_ => Now, cancellationToken);

    /// <summary>A look at what is stored, under the lock.</summary>
    public T Read<T>(Func<QueueData, T> look)
    {
        lock (_gate)
            return look(_data);
    }

    private long Now => serverClock() / 1000;

    private WorkReply Work(string session, int lane, WorkCall asked)
    {
        var call = new WorkerCall(_data, options, session, serverClock());
        var handing = new HandingOut(call, lane, asked.Sequence, asked.Want, asked.RoomForOneAlone);
        if (handing.AnswerKnown() is { } known)
            return known;

        var keep = new HashSet<string>(StringComparer.Ordinal);
        var arriving = new Arriving(_data, call.Now);
        foreach (var settlement in asked.Settlements)
        {
            var id = settlement.Lease.Id.Value;
            call.RecordOf(id);
            // Only the first of a lease is accepted, and only what is accepted has follow-ups.
            if (!call.IsMine(id, settlement.Lease.Token) || !keep.Add(id))
                continue;
            if (call.JobOf(id) is not { } job || settlement.Outcome is not Outcome.Completed completed)
                continue;
            if (job.State == StoredJob.Live)
                arriving.Completing.Add(id);
            if (completed.FollowUps is not { } followUps)
                continue;
            foreach (var followUp in followUps.Where(followUp => followUp.Queue.Length == 0))
                arriving.Examine(followUp.Job);
        }

        var tidying = new Tidying(call, keep, 2 * asked.Settlements.Count);
        tidying.Write();
        var settling = new Settling(call);
        SettlementReply[] settled = [.. asked.Settlements.Select(settling.Settle)];
        Store(arriving); // follow-ups: committed with the completion (promise 6)
        return handing.ClaimAndReply(tidying, settled);
    }

    private ExtendReply ExtendAll(string session, IReadOnlyList<Extension> extensions)
    {
        var call = new WorkerCall(_data, options, session, serverClock());
        bool[] mine = [.. extensions.Select(extension => call.IsMine(extension.Lease.Id.Value, extension.Lease.Token))];
        var keep = extensions.Where((_, i) => mine[i]).Select(extension => extension.Lease.Id.Value).ToHashSet(StringComparer.Ordinal);
        var tidying = new Tidying(call, keep, 0);
        tidying.Write();

        var cancelled = new List<(int, string)>();
        for (var i = 0; i < extensions.Count; i++)
        {
            if (!mine[i])
                continue;
            var id = extensions[i].Lease.Id.Value;
            var lease = _data.Leases[id];
            _data.Active.Set(id, call.QueueTime + call.LeaseMs);
            lease.Started |= extensions[i].Started;
            if (extensions[i].Progress.Length > 0)
                lease.Progress = extensions[i].Progress;
            if (lease.Cancel.Length > 0)
                cancelled.Add((i, lease.Cancel));
        }

        if (tidying.MovedAny && (_data.Waiting.Count > 0 || _data.Suspect.Count > 0))
            _data.Ring(session);
        return new ExtendReply(Array.ConvertAll(mine, held => held ? ReplyCode.Accepted : ReplyCode.Lost), cancelled);
    }

    private static JobInfo? Inspect(QueueData data, JobId id, JsonSerializerOptions serializer)
    {
        if (data.Find(id.Value) is not { } record || record is TraceRecord)
            return null;
        if (record is not StoredJob job)
            return new JobInfo(default, serializer)
            {
                Id = id,
                JobName = "",
                State = JobState.Dead,
                Attempt = 0,
                MaxAttempts = 0,
                Lapses = 0,
                EnqueuedAt = DateTimeOffset.UnixEpoch,
                Error = WorkerCall.Unreadable,
            };

        var lease = job.State == StoredJob.Live ? data.Leases.GetValueOrDefault(id.Value) : null;
        long? due = null;
        var state = job.State;
        if (lease is not null)
            state = JobState.Active;
        else if (job.State == StoredJob.Live && data.Scheduled.TryGetScore(id.Value, out due))
            state = JobState.Scheduled;
        return new JobInfo(job.Result, serializer)
        {
            Id = id,
            State = state,
            JobName = job.Name,
            Attempt = job.Attempt + (lease is null ? 0 : 1),
            MaxAttempts = job.MaxAttempts,
            Lapses = job.Lapses,
            EnqueuedAt = DateTimeOffset.FromUnixTimeMilliseconds(job.EnqueuedAt),
            DueAt = Moment(due),
            ClaimedAt = Moment(lease?.ClaimedAt),
            EndedAt = job.State == StoredJob.Live ? null : Moment(job.EndedAt),
            History = [.. job.History],
            Error = job.Error.Length > 0 ? job.Error : null,
            Progress = JobProgress.Read(lease?.Progress ?? ""),
            CancelReason = lease is { Cancel.Length: > 0 } ? lease.Cancel : null,
        };
    }

    /// <summary>What is due has been ready since, although no worker has looked.</summary>
    private TimeSpan? OldestReadyAge(QueueData data)
    {
        var oldest = data.Scheduled.First ?? long.MaxValue;
        foreach (var line in (List<string>[])[data.Waiting, data.Suspect])
        {
            if (line.Count > 0 && data.Find(line[0]) is StoredJob { State: StoredJob.Live } job)
                oldest = Math.Min(oldest, job.EndedAt > 0 ? job.EndedAt : job.EnqueuedAt);
        }

        if (oldest <= Now)
            return TimeSpan.FromMilliseconds(Now - oldest);
        return data.Waiting.Count + data.Suspect.Count > 0 ? TimeSpan.Zero : null;
    }

    private static DateTimeOffset? Moment(long? ms) => ms is > 0 ? DateTimeOffset.FromUnixTimeMilliseconds(ms.Value) : null;

    private ValueTask<T> ReadAsync<T>(Func<QueueData, T> look, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return new(Read(look));
    }

    private ValueTask<T> WriteAsync<T>(Func<T> verb, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return new(Write(verb));
    }

    private T Write<T>(Func<T> verb)
    {
        T reply;
        lock (_gate)
            reply = verb();
        Changed?.Invoke();
        return reply;
    }
}
