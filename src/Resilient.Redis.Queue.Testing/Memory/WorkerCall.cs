namespace Resilient.Redis.Queue.Testing.Memory;

/// <summary>What claim, settle and extend stand on: queue time, and the jobs and leases that a call has read. As Scripts/_worker.lua.</summary>
internal sealed class WorkerCall
{
    public const string Unreadable = "The stored job cannot be read: it is damaged, or of a newer version.";

    // As in the scripts a call sees each record as it was when it first read it, or as it has stored it since.
    private readonly Dictionary<string, StoredRecord?> _read = new(StringComparer.Ordinal);

    public WorkerCall(QueueData data, JobQueueOptions options, string session, long serverTime)
    {
        (Data, Options, Session, FreshToken) = (data, options, session, serverTime);
        Now = serverTime / 1000;
        LeaseMs = data.LeaseMs ?? (long)options.Lease.TotalMilliseconds;
        (QueueTime, Hold, ExpiredUntil) = ReadClock();
    }

    public QueueData Data { get; }

    public JobQueueOptions Options { get; }

    public string Session { get; }

    /// <summary>Server time in µs.</summary>
    public long FreshToken { get; }

    /// <summary>Server time in ms.</summary>
    public long Now { get; }

    /// <summary>The queue's own (rule R9).</summary>
    public long LeaseMs { get; }

    public long QueueTime { get; }

    public long Hold { get; }

    /// <summary>The deadline up to which leases have expired; null for none.</summary>
    public long? ExpiredUntil { get; }

    /// <summary>Whether this call has put a job among the suspects, or has taken one.</summary>
    public bool SuspectsMoved { get; set; }

    public void SaveClock()
    {
        (Data.QueueTime, Data.LastLook, Data.Hold) = (QueueTime, Now, Hold);
        Data.LeaseMs ??= LeaseMs;
    }

    public StoredRecord? RecordOf(string id)
    {
        if (!_read.TryGetValue(id, out var record))
            _read[id] = record = Data.Find(id);
        return record;
    }

    public StoredJob? JobOf(string id) => RecordOf(id) as StoredJob;

    public bool IsMine(string id, long token) => Data.Leases.TryGetValue(id, out var lease) && lease.Session == Session && lease.Token == token;

    public void DropLease(string id)
    {
        Data.Leases.Remove(id);
        Data.Active.Remove(id);
    }

    public void Store(string id, StoredJob job) => Data.Records[id] = _read[id] = job;

    public void Bury(string id, StoredJob job, string reason)
    {
        (job.State, job.Error, job.EndedAt) = (JobState.Dead, reason, Now);
        Data.ReleaseUnique(id, job);
        Store(id, job);
        Data.Dead.Set(id, Now);
        Data.Count("dead");
        Data.TellWaiting(id);
    }

    /// <summary>Its record has vanished.</summary>
    public void Lose(string id)
    {
        Data.Count("lost");
        Data.TellWaiting(id);
    }

    /// <summary>What cannot be read is kept as it is, for a person to look at.</summary>
    public void BuryUnreadable(string id, long token)
    {
        var body = RecordOf(id) is DamagedRecord damaged ? damaged.Bytes : default(ReadOnlyMemory<byte>);
        Bury(id, new StoredJob { Name = "", Body = body, EnqueuedAt = Now, MaxAttempts = 0, KeepMs = 0, TimeoutMs = 0, Token = token }, Unreadable);
    }

    /// <summary>At the head of its line; handed out alone from its second expiry on. A suspect that has lost its worker goes to the end (rule R17).</summary>
    public void PushBack(string id, StoredJob job, bool hasExpired)
    {
        SuspectsMoved |= IsSuspect(job);
        if (IsSuspect(job))
            Data.Suspect.Insert(hasExpired ? Data.Suspect.Count : 0, id);
        else
            Data.Waiting.Insert(0, id);
    }

    public static bool IsSuspect(StoredJob job) => job.Expiries >= 2;

    /// <summary>Ended as wanted; kept with its result, on queue time (rules R13, R15).</summary>
    public void Finish(string id, StoredJob job, JobState state, string reason)
    {
        (job.State, job.EndedAt, job.Body, job.Error) = (state, Now, default, reason);
        Data.ReleaseUnique(id, job);
        Store(id, job);
        var keep = Math.Max(job.KeepMs, 4 * LeaseMs);
        Data.Done.Set(id, QueueTime + (state == JobState.Cancelled ? Math.Max(keep, QueueData.Repeatable) : keep));
        Data.Count(state == JobState.Cancelled ? "cancelled" : "completed");
        Data.TellWaiting(id);
    }

    /// <summary>How long a worker may sleep: until the next due time or lease deadline, or what else pays sooner; null when there is neither.</summary>
    public TimeSpan? UntilNext(long? sooner = null)
    {
        var due = Data.Scheduled.First - Now ?? long.MaxValue;
        var deadline = Data.Active.First is { } first ? Math.Max(first, Hold) - QueueTime : long.MaxValue;
        var wait = Math.Min(sooner ?? long.MaxValue, Math.Min(due, deadline));
        return wait == long.MaxValue ? null : TimeSpan.FromMilliseconds(Math.Max(0, wait));
    }

    /// <summary>Lease time is queue time: it moves only while workers look (rule R8).</summary>
    private (long QueueTime, long Hold, long? ExpiredUntil) ReadClock()
    {
        if (Data is not { QueueTime: { } before, LastLook: { } last })
        {
            var q = Math.Max(Now, (Data.Active.Last ?? 0) + 1);
            return (q, q + LeaseMs, null);
        }

        var (gap, cap) = (Now - last, LeaseMs / 4);
        var time = before + Math.Clamp(gap, 0, cap);
        if (time < Data.Hold)
            return (time, Data.Hold, null);
        if (gap <= cap)
            return (time, Data.Hold, time);
        // A gap: a grace for all to come back. What had expired before this look, while the grace that ends with it ran, has had its chance.
        return (time, time + LeaseMs, before < Data.Hold ? before : null);
    }
}
