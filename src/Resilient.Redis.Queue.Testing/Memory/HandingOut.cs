using Resilient.Redis.Queue.Storage;

namespace Resilient.Redis.Queue.Testing.Memory;

/// <summary>How claim and settle hand out jobs, and how they answer a repeated call. As Scripts/_claim.lua.</summary>
internal sealed class HandingOut(WorkerCall call, int lane, long sequence, int room, bool alone)
{
    private const long MostBytes = 16 * 1024 * 1024; // of payloads in one reply; one job in any case
    private const long LaneKept = 86_400_000;

    private readonly QueueData _data = call.Data;
    private readonly StartLimit _limit = new(call);
    private readonly List<ClaimedJob> _jobs = [];
    private int _want;
    private int _taken;

    /// <summary>What the lane was answered last; null before its first call.</summary>
    private LastCall? Last => _data.Lanes.TryGetValue((call.Session, lane), out var last) && last.ExpiresAt > _data.ExpiryNow ? last : null;

    /// <summary>The answer to a call that the lane has seen before: stale, or the same again, re-leased from now (rule R12). Null for a new call.</summary>
    public WorkReply? AnswerKnown()
    {
        if (Last is not { } last || sequence > last.Sequence)
            return null;
        if (sequence < last.Sequence)
            return Reply(ReplyCode.Stale, [], false);

        call.SaveClock();
        foreach (var lease in last.Handed)
        {
            var id = lease.Id.Value;
            if (!call.IsMine(id, lease.Token) || call.JobOf(id) is not { } job)
                continue;
            _data.Active.Set(id, call.QueueTime + call.LeaseMs);
            _jobs.Add(Describe(id, job, lease.Token));
        }

        return Reply(ReplyCode.Accepted, last.Settlements, true);
    }

    public WorkReply ClaimAndReply(Tidying tidied, SettlementReply[] settlements)
    {
        HandOut();
        _data.Lanes[(call.Session, lane)] = new LastCall(sequence, [.. _jobs.Select(job => job.Lease)], settlements, _data.ExpiryNow + LaneKept);

        var left = _data.Waiting.Count > 0;
        var hasRoom = _jobs.Count < room; // in a paused queue too: whoever resumes it rings for who has room
        if (hasRoom)
        {
            _data.Idle.Set(call.Session, call.Now);
            _data.Idle.UpTo(call.Now - call.LeaseMs, int.MaxValue).ForEach(gone => _data.Idle.Remove(gone));
        }
        else
        {
            _data.Idle.Remove(call.Session);
        }

        if (_data.IsPaused)
            return Reply(ReplyCode.Accepted, settlements, tidied.HasMore);
        // What this worker leaves, another may take (rule R19); what it left although it had room, it takes itself, at once.
        var heldBack = _want < room && _jobs.Count >= _want; // by a limit: nobody gets it now, but who ends a job or has the next turn
        var (wait, somebody) = _limit.Pay(_jobs.Count, left && hasRoom);
        var rings = left && !hasRoom && (_limit.Allowed > 0 || !somebody);
        if (rings || (call.SuspectsMoved && _data.Suspect.Count > 0))
            _data.Ring(call.Session);
        return Reply(ReplyCode.Accepted, settlements, tidied.HasMore || (!heldBack && ((left && hasRoom) || _taken > _jobs.Count)), wait);
    }

    /// <summary>Leases what stands at the heads of the lists and is ready; drops and counts what is not (rule R2).</summary>
    private void HandOut()
    {
        _want = _data.IsPaused ? 0 : Math.Min(room, _limit.Allowed);
        var only = alone && _want > 0 ? _data.Suspect.FirstOrDefault() : null;
        string[] ids = [.. only is null ? [] : (string[])[only], .. _data.Waiting.Take(_want - (only is null ? 0 : 1))];
        var suspects = new List<string>();
        var bytes = 0L;
        foreach (var id in ids.TakeWhile(_ => bytes < MostBytes))
        {
            _taken++;
            var record = call.RecordOf(id);
            var job = record as StoredJob;
            if (record is null or TraceRecord)
                call.Lose(id);
            else if (_data.Leases.ContainsKey(id) || job is { State: not StoredJob.Live })
                _data.Count("dropped");
            else if (job is null)
                call.BuryUnreadable(id, 0);
            else if (WorkerCall.IsSuspect(job) && id != only)
                suspects.Add(id); // it came by way of a retry: among others it could take them with it once more (rule R17)
            else
                bytes += Lease(id, job);
        }

        _data.Suspect.AddRange(suspects);
        _data.Waiting.RemoveRange(0, _taken - (only is null ? 0 : 1));
        if (only is not null)
            _data.Suspect.RemoveAt(0);
        call.SuspectsMoved |= only is not null || suspects.Count > 0;
    }

    private int Lease(string id, StoredJob job)
    {
        // It grows across a failover that lost writes, and across a clock that was set back (rule R14).
        var lease = new StoredLease { Session = call.Session, Token = Math.Max(job.Token + 1, call.FreshToken), ClaimedAt = call.Now };
        _data.Leases[id] = lease;
        _data.Active.Set(id, call.QueueTime + call.LeaseMs);
        _jobs.Add(Describe(id, job, lease.Token));
        return job.Body.Length;
    }

    private static ClaimedJob Describe(string id, StoredJob job, long token) => new(
        new Lease(JobId.Stored(id), token), job.Attempt + 1, job.Lapses, WorkerCall.IsSuspect(job),
        TimeSpan.FromMilliseconds(job.TimeoutMs), job.EnqueuedAt, job.Name, job.Body);

    private WorkReply Reply(ReplyCode code, SettlementReply[] settlements, bool more, long? wait = null) =>
        new(code, TimeSpan.FromMilliseconds(call.LeaseMs), call.UntilNext(wait), more, settlements, [.. _jobs]) { ServerTime = call.Now };
}
