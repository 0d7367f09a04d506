namespace Resilient.Redis.Queue.Testing.Memory;

/// <summary>What every call of a worker does for the queue: promote, recover, forget. First all reads, then all writes. As Scripts/_look.lua.</summary>
internal sealed class Tidying
{
    private const int Most = 100; // of each in one call (rule R7)

    private readonly WorkerCall _call;
    private readonly List<string> _due;
    private readonly List<string> _expired = [];
    private readonly List<string> _forgotten;
    private readonly List<string> _trimmed;

    /// <param name="call">Whose.</param>
    /// <param name="keep">Ids that this very call settles or extends.</param>
    /// <param name="forget">How many more ended jobs to forget than usual.</param>
    public Tidying(WorkerCall call, IReadOnlySet<string> keep, int forget)
    {
        _call = call;
        var data = call.Data;
        _due = data.Scheduled.UpTo(call.Now, Most);
        if (call.ExpiredUntil is { } until)
        {
            var expired = data.Active.UpTo(until, Most);
            HasMore = expired.Count == Most;
            _expired.AddRange(expired.Where(id => !keep.Contains(id)));
        }

        HasMore |= _due.Count == Most;
        foreach (var id in _expired)
            call.RecordOf(id);
        _forgotten = data.Done.UpTo(call.QueueTime, Most + forget);
        _trimmed = data.Dead.UpTo(call.Now - (long)call.Options.DeadRetention.TotalMilliseconds, Most + forget);
        var surplus = data.Dead.Count - call.Options.DeadLimit;
        if (_trimmed.Count == 0 && surplus > 0)
            _trimmed = data.Dead.UpTo(call.Now - QueueData.Repeatable, Math.Min(surplus, Most + forget));
    }

    /// <summary>Whether another call at once pays.</summary>
    public bool HasMore { get; }

    /// <summary>Whether something came back in line.</summary>
    public bool MovedAny => _due.Count + _expired.Count > 0;

    public void Write()
    {
        _call.SaveClock();
        for (var i = _expired.Count - 1; i >= 0; i--)
            Recover(_expired[i]);
        _call.Data.Waiting.AddRange(_due);
        _due.ForEach(id => _call.Data.Scheduled.Remove(id));
        Forget(_forgotten, _call.Data.Done);
        Forget(_trimmed, _call.Data.Dead);
        if (_trimmed.Count > 0)
            _call.Data.Count("trimmed", _trimmed.Count);
    }

    /// <summary>Back to the head of its line, or dead once it has taken too many workers with it. Only started handlers count (rule R17).</summary>
    private void Recover(string id)
    {
        var lease = _call.Data.Leases.GetValueOrDefault(id);
        var token = lease?.Token ?? 0;
        if (_call.RecordOf(id) is not { } record)
        {
            _call.Lose(id);
        }
        else if (record is not StoredJob job)
        {
            _call.BuryUnreadable(id, token);
        }
        else if (job.State != StoredJob.Live)
        {
            _call.Data.Count("dropped");
        }
        else
        {
            (job.Token, job.Session, job.Expiries, job.EndedAt) = (Math.Max(job.Token, token), "", job.Expiries + 1, _call.Now);
            job.Remember(job.Attempt + 1, _call.Now, lease?.Session ?? "", JobAttemptOutcome.WorkerLost, "");
            if (lease is { Started: true })
                job.Lapses++;
            if (lease is { Cancel.Length: > 0 })
            {
                _call.Finish(id, job, JobState.Cancelled, lease.Cancel);
            }
            else if (job.Lapses >= _call.Options.MaxDeliveries)
            {
                _call.Bury(id, job, $"Its lease was lost {job.Lapses} times while its handler ran: it may kill its worker (MaxDeliveries).");
            }
            else
            {
                _call.PushBack(id, job, hasExpired: true);
                _call.Store(id, job);
            }
        }

        _call.DropLease(id);
    }

    private void Forget(List<string> ids, ScoredSet set)
    {
        foreach (var id in ids)
        {
            _call.Data.Records.Remove(id);
            set.Remove(id);
        }
    }
}
