using Resilient.Redis.Queue.Storage;

namespace Resilient.Redis.Queue.Testing.Memory;

/// <summary>How jobs come in, by enqueue and as follow-ups of a settlement: first all reads (examine), then all writes (write). As Scripts/_arrive.lua.</summary>
internal sealed class Arriving(QueueData data, long now)
{
    private readonly List<NewJob> _accepted = [];
    private readonly Dictionary<string, string> _refused = new(StringComparer.Ordinal);
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _taken = new(StringComparer.Ordinal);
    private readonly bool _wasEmpty = data.Waiting.Count == 0;
    private readonly long _firstDue = data.Scheduled.First ?? long.MaxValue;

    /// <summary>Ids of the jobs that this very call completes, which gives their unique keys back before anything is written here.</summary>
    public HashSet<string> Completing { get; } = new(StringComparer.Ordinal);

    public int Count => _accepted.Count;

    /// <summary>Whether a worker should hear of it.</summary>
    public bool Rings { get; private set; }

    /// <summary>What this call has accepted.</summary>
    public IReadOnlyList<NewJob> Accepted => _accepted;

    /// <summary>Accepted, Already, or Duplicate and the job that holds the unique key.</summary>
    public EnqueueAnswer Examine(NewJob job)
    {
        // The id first, then the key: a repeat gets the answer of its first attempt, also within one call.
        var id = job.Id.Value;
        if (_known.Contains(id))
            return new(ReplyCode.Already, null);
        if (_refused.TryGetValue(id, out var before))
            return Duplicate(before);
        if (data.Find(id) is { } record)
            return record is RefusalRecord refusal ? Duplicate(refusal.Holder) : new(ReplyCode.Already, null);
        if (job.UniqueKey.Length > 0)
        {
            if (_taken.GetValueOrDefault(job.UniqueKey) is { } holder || (holder = HolderOf(job.UniqueKey)) is not null)
            {
                _refused.Add(id, holder);
                return Duplicate(holder);
            }

            _taken[job.UniqueKey] = id;
        }

        _known.Add(id);
        _accepted.Add(job);
        // A worker sleeps until the first due time that it knows of: tell it of an earlier one.
        Rings |= IsDelayed(job) ? now + Milliseconds(job.Delay) < _firstDue : _wasEmpty;
        return new(ReplyCode.Accepted, null);
    }

    public void Write()
    {
        foreach (var job in _accepted)
        {
            var id = job.Id.Value;
            if (IsDelayed(job))
                data.Scheduled.Set(id, now + Milliseconds(job.Delay));
            else
                data.Waiting.Add(id);
            var forTime = Milliseconds(job.UniqueFor) > 0;
            if (job.UniqueKey.Length > 0)
                data.Unique[job.UniqueKey] = new UniqueHolder(id, forTime ? data.ExpiryNow + Milliseconds(job.UniqueFor) : null);
            data.Records[id] = new StoredJob
            {
                Name = job.Name,
                Body = job.Body,
                EnqueuedAt = now,
                MaxAttempts = job.MaxAttempts,
                KeepMs = Milliseconds(job.Keep),
                TimeoutMs = Milliseconds(job.Timeout),
                EndedAt = IsDelayed(job) ? now + Milliseconds(job.Delay) : 0,
                UniqueKey = forTime ? "" : job.UniqueKey,
            };
        }

        foreach (var (id, holder) in _refused)
            data.Records[id] = new RefusalRecord(holder, data.ExpiryNow + QueueData.Repeatable);
        if (_accepted.Count > 0)
            data.Count("accepted", _accepted.Count);
    }

    private string? HolderOf(string key) =>
        data.HolderOf(key) is { } holder && !(Completing.Contains(holder) && data.Unique[key].ExpiresAt is null) ? holder : null;

    private static EnqueueAnswer Duplicate(string holder) => new(ReplyCode.Duplicate, JobId.Stored(holder));

    private static bool IsDelayed(NewJob job) => Milliseconds(job.Delay) > 0;

    private static long Milliseconds(TimeSpan span) => (long)span.TotalMilliseconds;
}
