using Resilient.Redis.Queue.Storage;

namespace Resilient.Redis.Queue.Testing.Memory;

/// <summary>What becomes of the jobs whose runs have ended. As Scripts/settle.lua and _outcome.lua.</summary>
internal sealed class Settling(WorkerCall call)
{
    private readonly QueueData _data = call.Data;

    /// <summary>Decided for each job by (session, token), whatever the sequence (rule R13); one after the other, since a batch may name a lease twice.</summary>
    public SettlementReply Settle(Settlement settlement)
    {
        var (id, token) = (settlement.Lease.Id.Value, settlement.Lease.Token);
        var record = call.RecordOf(id);
        var job = record as StoredJob;
        if (!call.IsMine(id, token))
        {
            if (record is null)
                return new(ReplyCode.Gone, null);
            var repeated = !_data.Leases.ContainsKey(id) && job is not null && job.Session == call.Session && job.Token == token;
            return new(repeated ? ReplyCode.Already : ReplyCode.Lost, StateOf(id, job));
        }

        var reply = new SettlementReply(ReplyCode.Accepted, JobState.Dead);
        if (record is null)
        {
            call.Lose(id);
            reply = new(ReplyCode.Gone, null);
        }
        else if (job is null)
        {
            call.BuryUnreadable(id, token);
        }
        else
        {
            (job.Session, job.Token) = (call.Session, token);
            reply = new(ReplyCode.Accepted, Apply(settlement, id, job));
        }

        call.DropLease(id);
        return reply;
    }

    private JobState? StateOf(string id, StoredJob? job)
    {
        if (job is null || job.State != StoredJob.Live)
            return job?.State;
        if (_data.Leases.ContainsKey(id))
            return JobState.Active;
        return _data.Scheduled.Contains(id) ? JobState.Scheduled : JobState.Waiting;
    }

    private JobState Apply(Settlement settlement, string id, StoredJob job)
    {
        // Somebody has asked for it while it ran: there is no further run, unless it has ended anyway.
        if (_data.Leases[id].Cancel is { Length: > 0 } reason && settlement.Outcome is not (Outcome.Completed or Outcome.Dead))
        {
            job.Attempt += settlement.Started ? 1 : 0;
            call.Finish(id, job, JobState.Cancelled, reason);
            return JobState.Cancelled;
        }

        switch (settlement.Outcome)
        {
            case Outcome.Completed completed:
                (job.Attempt, job.Result) = (job.Attempt + 1, completed.Result);
                call.Finish(id, job, JobState.Completed, "");
                foreach (var followUp in completed.FollowUps ?? [])
                {
                    if (followUp.Queue.Length > 0)
                        _data.Outbox[followUp.Job.Id.Value] = new OutboxEntry(followUp.Queue, followUp.Job with { Delay = TimeSpan.Zero }, call.Now + (long)followUp.Job.Delay.TotalMilliseconds);
                }

                return JobState.Completed;
            case Outcome.Failed failed:
                (job.Attempt, job.Error) = (job.Attempt + 1, failed.Error);
                job.Remember(job.Attempt, call.Now, call.Session, JobAttemptOutcome.Failed, failed.Error);
                return job.Attempt < job.MaxAttempts ? Schedule(id, job, failed.Delay) : Bury(id, job, failed.Error);
            case Outcome.PutOff putOff:
                job.Error = putOff.Reason;
                return Schedule(id, job, putOff.Delay);
            case Outcome.Unknown unknown:
                (job.Lapses, job.Error) = (job.Lapses + 1, unknown.Error);
                job.Remember(job.Attempt + 1, call.Now, call.Session, JobAttemptOutcome.UnknownType, unknown.Error);
                return job.Lapses < call.Options.MaxDeliveries ? Schedule(id, job, unknown.Delay) : Bury(id, job, unknown.Error);
            case Outcome.Dead dead:
                job.Remember(job.Attempt + 1, call.Now, call.Session, JobAttemptOutcome.Hopeless, dead.Reason);
                job.Attempt += settlement.Started ? 1 : 0;
                return Bury(id, job, dead.Reason);
            case Outcome.Returned:
                job.EndedAt = call.Now;
                call.PushBack(id, job, hasExpired: false);
                call.Store(id, job);
                return JobState.Waiting;
            default:
                throw new InvalidOperationException($"Outcome {settlement.Outcome.GetType().Name} is not known to the queue in memory.");
        }
    }

    private JobState Schedule(string id, StoredJob job, TimeSpan delay)
    {
        var delayMs = (long)delay.TotalMilliseconds;
        job.EndedAt = call.Now + delayMs;
        if (delayMs > 0)
            _data.Scheduled.Set(id, call.Now + delayMs);
        else
            _data.Waiting.Add(id);
        call.Store(id, job);
        return delayMs > 0 ? JobState.Scheduled : JobState.Waiting;
    }

    private JobState Bury(string id, StoredJob job, string reason)
    {
        call.Bury(id, job, reason);
        return JobState.Dead;
    }
}
