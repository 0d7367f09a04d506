using Resilient.Redis.Queue.Storage;

namespace Resilient.Redis.Queue.Testing.Memory;

/// <summary>All that a queue stores, as Scripts/README.md lists it: a key of Redis is a member here.</summary>
internal sealed class QueueData(Func<long> expiryClock)
{
    /// <summary>How long a producer's call may be repeated, in ms (rule R15).</summary>
    public const long Repeatable = 60_000;

    private const int MostListeners = 16;
    private const long OutboxKept = 86_400_000; // such a job may be delivered again as long (rule R22)

    public List<string> Waiting { get; } = [];

    public List<string> Suspect { get; } = [];

    public ScoredSet Scheduled { get; } = new();

    public ScoredSet Active { get; } = new();

    public Dictionary<string, StoredLease> Leases { get; } = new(StringComparer.Ordinal);

    public ScoredSet Dead { get; } = new();

    public ScoredSet Done { get; } = new();

    public Dictionary<string, StoredRecord> Records { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, UniqueHolder> Unique { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, OutboxEntry> Outbox { get; } = new(StringComparer.Ordinal);

    public Dictionary<(string Session, int Lane), LastCall> Lanes { get; } = [];

    public Dictionary<string, StoredSchedule> Recurring { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, StoredTick> Ticks { get; } = new(StringComparer.Ordinal);

    public ScoredSet Idle { get; } = new();

    public Dictionary<string, long> Stats { get; } = new(StringComparer.Ordinal);

    public StoredRate? Rate { get; set; }

    /// <summary>Which listeners wait for the end of which jobs.</summary>
    public Dictionary<string, List<string>> Waited { get; } = new(StringComparer.Ordinal);

    /// <summary>Who hears of the ends of jobs, by listener.</summary>
    public Dictionary<string, Action<string>> Ears { get; } = new(StringComparer.Ordinal);

    /// <summary>Who hears the doorbell, by session.</summary>
    public Dictionary<string, Action<string>> Hearers { get; } = new(StringComparer.Ordinal);

    public long? QueueTime { get; set; }

    public long? LastLook { get; set; }

    public long Hold { get; set; }

    /// <summary>The queue's own lease in ms, once a worker has looked.</summary>
    public long? LeaseMs { get; set; }

    public bool IsPaused { get; set; }

    /// <summary>Takes no new jobs.</summary>
    public bool IsDraining { get; set; }

    /// <summary>Now, for what goes by itself.</summary>
    public long ExpiryNow => expiryClock();

    public long Stat(string what) => Stats.GetValueOrDefault(what);

    public void Count(string what, long by = 1) => Stats[what] = Stat(what) + by;

    /// <summary>What stands under the id; null for nothing.</summary>
    public StoredRecord? Find(string id)
    {
        if (Records.TryGetValue(id, out var record) && record is TraceRecord trace && trace.ExpiresAt <= ExpiryNow)
            Records.Remove(id);
        return Records.GetValueOrDefault(id);
    }

    /// <summary>Who holds the key; null when it is free, or was left behind by a job that is no more (rule R21).</summary>
    public string? HolderOf(string key)
    {
        if (!Unique.TryGetValue(key, out var holder))
            return null;
        if (holder.ExpiresAt is { } until)
            return until > ExpiryNow ? holder.Id : null;
        return Find(holder.Id) is StoredJob { State: StoredJob.Live } ? holder.Id : null;
    }

    /// <summary>A job that does not run leaves its line.</summary>
    public void LeaveLine(string id)
    {
        if (!Suspect.Remove(id))
            Waiting.Remove(id);
    }

    /// <summary>Its enqueue may still be repeated: then a trace is left, which ends by itself (rule R15). As Scripts/_line.lua.</summary>
    public void GiveUpRecord(string id, StoredJob? job, long now)
    {
        var repeatable = job?.KeepMs >= OutboxKept ? OutboxKept : Repeatable;
        var left = job is null ? repeatable : Math.Min(repeatable, job.EnqueuedAt + repeatable - now);
        if (left > 0)
            Records[id] = new RemovalRecord(ExpiryNow + left);
        else
            Records.Remove(id);
    }

    /// <summary>By whatever ends the job. Not what another job has taken over.</summary>
    public void ReleaseUnique(string id, StoredJob job)
    {
        if (job.UniqueKey.Length > 0 && Unique.TryGetValue(job.UniqueKey, out var holder) && holder.Id == id)
            Unique.Remove(job.UniqueKey);
        job.UniqueKey = "";
    }

    /// <summary>From now on, until the job has ended, this listener wants to be told.</summary>
    public void Await(string id, string listener)
    {
        if (!Waited.TryGetValue(id, out var listeners))
            Waited[id] = listeners = [];
        if (listeners.Contains(listener))
            return;
        if (listeners.Count >= MostListeners)
            listeners.RemoveAt(0);
        listeners.Add(listener);
    }

    /// <summary>The job has ended: tells who waits for it. As Scripts/_waited.lua.</summary>
    public void TellWaiting(string id)
    {
        if (!Waited.Remove(id, out var listeners))
            return;
        foreach (var listener in listeners)
            Ears.GetValueOrDefault(listener)?.Invoke(id);
    }

    /// <summary>Wakes the worker that looked last, not the caller; where nobody hears, the next, three in all (rule R19).</summary>
    public void Ring(string? caller = null)
    {
        foreach (var (_, session) in Idle.Descending.Take(3).ToList())
        {
            if (session == caller)
                continue;
            Idle.Remove(session);
            if (Publish(session, "1"))
                return;
        }
    }

    /// <summary>Hearers only set a signal, so they may be called under the store's lock.</summary>
    public bool Publish(string session, string bell)
    {
        var heard = Hearers.TryGetValue(session, out var hearer);
        hearer?.Invoke(bell);
        return heard;
    }
}
