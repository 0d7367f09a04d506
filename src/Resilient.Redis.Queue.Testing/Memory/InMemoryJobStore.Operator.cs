using System.Text.Json;
using Resilient.Redis.Queue.Storage;

namespace Resilient.Redis.Queue.Testing.Memory;

/// <summary>The operator's verbs.</summary>
internal sealed partial class InMemoryJobStore
{
    private readonly JsonSerializerOptions _noResults = new();

    public override ValueTask<JobId[]> GetDeadAsync(long from, int count, bool newestFirst, CancellationToken cancellationToken) => ReadAsync(
        data => (newestFirst ? data.Dead.Descending : data.Dead.Ascending).Skip((int)from).Take(count).Select(dead => JobId.Stored(dead.Member)).ToArray(),
        cancellationToken);

    public override ValueTask<JobPage> ListAsync(JobState state, long from, int most, JsonSerializerOptions serializer, CancellationToken cancellationToken) => ReadAsync(
        data =>
        {
            string[] places = [.. PlacesOf(data, state, (int)from, most)];
            return new JobPage(places.Length, [.. places.Select(id => Inspect(data, JobId.Stored(id), serializer)).OfType<JobInfo>().Where(job => job.State == state)]);
        },
        cancellationToken);

    public override async ValueTask<(int Looked, int Jobs)> TallyAsync(JobState state, long from, int most, CancellationToken cancellationToken)
    {
        var page = await ListAsync(state, from, most, _noResults, cancellationToken).ConfigureAwait(false);
        return (page.Looked, page.Jobs.Length);
    }

    public override ValueTask<PurgeReply> PurgeAsync(JobState state, long? expected, long from, int most, long? notAfter, CancellationToken cancellationToken) =>
        WriteAsync(() => Purge(state, expected, (int)from, most, notAfter ?? Now), cancellationToken);

    public override ValueTask<ReplyCode> RequeueAsync(JobId id, CancellationToken cancellationToken) => WriteAsync(() => Requeue(id.Value), cancellationToken);

    public override ValueTask<ReplyCode> RemoveAsync(JobId id, CancellationToken cancellationToken) => WriteAsync(() => Remove(id.Value), cancellationToken);

    public override ValueTask<ReplyCode> PauseAsync(bool paused, CancellationToken cancellationToken) => WriteAsync(() => paused ? Pause() : Resume(), cancellationToken);

    public override ValueTask<ReplyCode> DrainAsync(CancellationToken cancellationToken) => WriteAsync(Drain, cancellationToken);

    /// <summary>Nobody else can write here, so no place of a job can be wrong; what is left to compare is the sum.</summary>
    public override ValueTask<AuditReport> AuditAsync(bool repair, CancellationToken cancellationToken) => ReadAsync(
        static data =>
        {
            var there = data.Waiting.Count + data.Suspect.Count + data.Scheduled.Count + data.Active.Count + data.Dead.Count
                + data.Stat("completed") + data.Stat("cancelled") + data.Stat("removed") + data.Stat("trimmed") + data.Stat("lost");
            var surplus = there - data.Stat("accepted");
            return new AuditReport
            {
                Jobs = data.Records.Values.Count(record => record is not TraceRecord),
                Findings = surplus == 0 ? [] : [new AuditFinding { Kind = AuditFindingKind.CountsDiffer, Subject = "", Difference = surplus, Repaired = false }],
            };
        },
        cancellationToken);

    private static IEnumerable<string> PlacesOf(QueueData data, JobState state, int from, int most) => state switch
    {
        JobState.Scheduled => Members(data.Scheduled.Ascending).Skip(from).Take(most),
        JobState.Active => Members(data.Active.Ascending).Skip(from).Take(most),
        JobState.Dead => Members(data.Dead.Descending).Skip(from).Take(most),
        JobState.Waiting when from < data.Suspect.Count => data.Suspect.Skip(from).Take(most),
        JobState.Waiting => data.Waiting.Skip(from - data.Suspect.Count).Take(most),
        _ => Members(data.Done.Ascending).Skip(from).Take(most),
    };

    private static IEnumerable<string> Members(IEnumerable<(long Score, string Member)> entries) => entries.Select(entry => entry.Member);

    private PurgeReply Purge(JobState state, long? expected, int from, int most, long notAfter)
    {
        var endedBefore = state is JobState.Completed or JobState.Cancelled;
        var line = state == JobState.Waiting ? _data.Suspect.Count > 0 ? _data.Suspect : _data.Waiting : null;
        var set = state switch { JobState.Scheduled => _data.Scheduled, JobState.Dead => _data.Dead, _ => _data.Done };
        var length = line is null ? set.Count : _data.Waiting.Count + _data.Suspect.Count;
        if (expected is not null && length != expected)
            return new(ReplyCode.Changed, length, Now, 0, 0, 0);

        var (gone, looked) = (new List<string>(), 0);
        foreach (var id in (string[])[.. line is null ? Members(set.Ascending).Skip(from).Take(most) : line.Take(most)])
        {
            var job = _data.Find(id) as StoredJob;
            var came = job is null ? 0 : job.State == StoredJob.Live ? job.EnqueuedAt : line is null ? job.EndedAt : 0;
            // A line is in the order of arrival: what stands behind a newer job is left too.
            if (line is not null && came > notAfter)
                break;
            looked++;
            if (came <= notAfter && (!endedBefore || job is null || job.State == state))
                gone.Add(id);
        }

        var (wanted, removed) = (line is not null || state == JobState.Scheduled ? StoredJob.Live : state, 0);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var id in gone)
        {
            var record = _data.Find(id);
            var job = record as StoredJob;
            // A job that has ended, or runs, is in this place by mistake, and a second time in line it is a copy: only the place is taken from it.
            if (seen.Contains(id) || (job is not null && (_data.Leases.ContainsKey(id) || job.State != wanted)))
            {
                _data.Count("dropped");
            }
            else if (record is null)
            {
                if (!endedBefore)
                    _data.Count("lost");
            }
            else
            {
                if (job is not null)
                    _data.ReleaseUnique(id, job);
                _data.GiveUpRecord(id, job, Now);
                seen.Add(id);
                removed++;
            }
        }

        line?.RemoveRange(0, looked);
        if (line is null)
            gone.ForEach(id => set.Remove(id));
        // What had completed or been cancelled was counted when it ended.
        if (removed > 0 && !endedBefore)
            _data.Count("removed", removed);
        gone.ForEach(_data.TellWaiting);
        return new(ReplyCode.Accepted, length, Now, removed, looked - gone.Count, looked);
    }

    private ReplyCode Requeue(string id)
    {
        // What could not be read was buried without a name: no handler would know it.
        if (_data.Find(id) is not StoredJob { State: JobState.Dead, Name.Length: > 0 } job)
            return ReplyCode.Gone;

        var wasEmpty = _data.Waiting.Count == 0;
        job.Remember(job.Attempt, Now, "", JobAttemptOutcome.Requeued, "");
        (job.State, job.Attempt, job.Lapses, job.Expiries, job.EndedAt) = (StoredJob.Live, 0, 0, 0, Now);
        _data.Waiting.Add(id);
        _data.Dead.Remove(id);
        _data.Count("requeued");
        if (wasEmpty)
            _data.Ring();
        return ReplyCode.Accepted;
    }

    private ReplyCode Remove(string id)
    {
        if (_data.Find(id) is not { } record || record is TraceRecord)
            return ReplyCode.Gone;
        if (_data.Leases.ContainsKey(id) || _data.Active.Contains(id))
            return ReplyCode.Running;

        var job = record as StoredJob;
        if (job is not null)
            _data.ReleaseUnique(id, job);
        _data.GiveUpRecord(id, job, Now);
        // Else it was counted when it completed or was cancelled.
        if (!_data.Done.Remove(id))
        {
            if (!_data.Dead.Remove(id) & !_data.Scheduled.Remove(id))
                _data.LeaveLine(id);
            _data.Count("removed");
        }

        _data.TellWaiting(id);
        return ReplyCode.Accepted;
    }

    private ReplyCode Pause()
    {
        var already = _data.IsPaused;
        _data.IsPaused = true;
        return already ? ReplyCode.Already : ReplyCode.Accepted;
    }

    private ReplyCode Drain()
    {
        var already = _data.IsDraining;
        _data.IsDraining = true;
        return already ? ReplyCode.Already : ReplyCode.Accepted;
    }

    private ReplyCode Resume()
    {
        if (_data is { IsPaused: false, IsDraining: false })
            return ReplyCode.Already;
        (_data.IsPaused, _data.IsDraining) = (false, false);
        if (_data.Waiting.Count > 0 || _data.Suspect.Count > 0)
            _data.Ring();
        return ReplyCode.Accepted;
    }
}
