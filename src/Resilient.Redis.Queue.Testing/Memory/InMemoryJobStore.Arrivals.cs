using Resilient.Redis.Queue.Storage;

namespace Resilient.Redis.Queue.Testing.Memory;

/// <summary>Jobs on their way in, and out again before they run.</summary>
internal sealed partial class InMemoryJobStore
{
    private readonly List<NewJob> _arrived = [];

    /// <summary>All jobs that were ever accepted, follow-ups too, oldest first: as they were handed in.</summary>
    public NewJob[] Arrived
    {
        get
        {
            lock (_gate)
                return [.. _arrived];
        }
    }

    public override ValueTask<EnqueueReply> EnqueueAsync(IReadOnlyList<NewJob> jobs, long notAfter, long until, CancellationToken cancellationToken) =>
        WriteAsync(() => Enqueue(jobs, notAfter, until), cancellationToken);

    public override ValueTask<ReplyCode> CancelAsync(JobId id, string reason, CancellationToken cancellationToken) =>
        WriteAsync(() => Cancel(id.Value, reason), cancellationToken);

    public override ValueTask<OutboxEntry[]> ReadOutboxAsync(CancellationToken cancellationToken) =>
        ReadAsync(static data => data.Outbox.Values.Take(100).ToArray(), cancellationToken);

    public override async ValueTask RemoveFromOutboxAsync(IEnumerable<JobId> ids, CancellationToken cancellationToken) =>
        await WriteAsync(() => ids.Count(id => _data.Outbox.Remove(id.Value)), cancellationToken).ConfigureAwait(false);

    private EnqueueReply Enqueue(IReadOnlyList<NewJob> jobs, long notAfter, long until)
    {
        var now = Now;
        var length = options.MaxLength is null ? 0 : _data.Waiting.Count + _data.Suspect.Count + _data.Scheduled.Count;
        // An earlier attempt of this call may have been in time: Late says that the job is not there.
        if (now > notAfter)
            return new EnqueueReply(now, length, [.. jobs.Select(job => _data.Find(job.Id.Value) switch
            {
                null => new EnqueueAnswer(ReplyCode.Late, null),
                RefusalRecord refusal => new EnqueueAnswer(ReplyCode.Duplicate, JobId.Stored(refusal.Holder)),
                _ => new EnqueueAnswer(ReplyCode.Already, null),
            })]);

        var arriving = new Arriving(_data, now);
        // The outcome is remembered at least as long as a repeat of this call is valid.
        var least = TimeSpan.FromMilliseconds(until - now);
        EnqueueAnswer[] answers = [.. jobs.Select(job => arriving.Examine(job.Keep < least ? job with { Keep = least } : job))];
        // All of this call's new jobs or none: half a batch would be for the caller to sort out.
        var refusal = _data.IsDraining ? ReplyCode.Draining : length + arriving.Count > options.MaxLength ? ReplyCode.Full : default;
        if (refusal != default && arriving.Count > 0)
            return new EnqueueReply(now, length, Array.ConvertAll(answers, answer => answer.Code == ReplyCode.Accepted ? new(refusal, null) : answer));

        Store(arriving);
        if (arriving.Rings)
            _data.Ring();
        return new EnqueueReply(now, length, answers);
    }

    private void Store(Arriving arriving)
    {
        arriving.Write();
        _arrived.AddRange(arriving.Accepted);
    }

    private ReplyCode Cancel(string id, string reason)
    {
        if (_data.Find(id) is not { } record || record is TraceRecord)
            return ReplyCode.Gone;
        if (record is not StoredJob { State: StoredJob.Live } job)
            return ReplyCode.Ended;
        if (_data.Leases.TryGetValue(id, out var lease))
        {
            lease.Cancel = reason;
            _data.Publish(lease.Session, "cancel"); // its worker extends at once, and hears of it (rule R19)
            return ReplyCode.Already;
        }

        (job.State, job.EndedAt, job.Body, job.Error) = (JobState.Cancelled, Now, default, reason);
        _data.ReleaseUnique(id, job);
        _data.Done.Set(id, (_data.QueueTime ?? Now) + Math.Max(job.KeepMs, QueueData.Repeatable));
        if (!_data.Scheduled.Remove(id))
            _data.LeaveLine(id);
        _data.Count("cancelled");
        _data.TellWaiting(id);
        return ReplyCode.Accepted;
    }
}
