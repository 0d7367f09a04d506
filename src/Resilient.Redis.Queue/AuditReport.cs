namespace Resilient.Redis.Queue;

/// <summary>What an audit of a queue has found; see <see cref="IJobQueueAdmin.AuditAsync"/>.</summary>
public sealed record AuditReport
{
    /// <summary>How many jobs it has looked at.</summary>
    public required long Jobs { get; init; }

    /// <summary>What is wrong; empty when all is well.</summary>
    public required IReadOnlyList<AuditFinding> Findings { get; init; }
}

/// <summary>One thing that is wrong with a queue.</summary>
public sealed record AuditFinding
{
    /// <summary>What kind of thing.</summary>
    public required AuditFindingKind Kind { get; init; }

    /// <summary>The job, unique key or outbox entry; empty for <see cref="AuditFindingKind.CountsDiffer"/>.</summary>
    public required string Subject { get; init; }

    /// <summary>By how much more jobs there are than were accepted; only for <see cref="AuditFindingKind.CountsDiffer"/>, negative where jobs are missing.</summary>
    public long Difference { get; init; }

    /// <summary>Whether it has been mended.</summary>
    public required bool Repaired { get; init; }

    /// <summary>What is wrong, and what was done or would be done about it.</summary>
    public string Description => Kind switch
    {
        AuditFindingKind.NoRecord => $"Job {Subject} has a place but no record. {Done("It is dropped", "and counted as lost if it had not ended")}.",
        AuditFindingKind.NoPlace => $"Job {Subject} is in no place. {Done("It goes", "where its record says; to the line if it was live")}.",
        AuditFindingKind.TwoPlaces => $"Job {Subject} is in two places. {Done("It is taken", "out of all but the one that its lease or record says")}.",
        AuditFindingKind.WrongPlace => $"Job {Subject} is where its record says that it is not. {Done("It is moved", "to where its record says")}.",
        AuditFindingKind.NoLease => $"Job {Subject} is active, and nobody holds its lease. {Done("It goes", "back to the line")}.",
        AuditFindingKind.NoDeadline => $"Job {Subject} has a lease that would never expire. {Done("It gets", "a deadline a lease from now, or loses the lease if it does not run")}.",
        AuditFindingKind.UniqueKeyStale => $"Unique key '{Subject}' is held by a job that has ended or vanished. {Done("It is", "set free")}.",
        AuditFindingKind.OutboxUnreadable => $"Follow-up {Subject} in the outbox cannot be read. {Done("It is kept apart", "in outbox:unreadable")}.",
        AuditFindingKind.PassedOverInVain => $"Job {Subject} is to be passed over in line, but is not there. {Done("The note is", "dropped")}.",
        _ => $"There are {Math.Abs(Difference):N0} {(Difference > 0 ? "more" : "fewer")} jobs than were accepted. {Done("The difference is", Difference > 0 ? "counted as accepted" : "counted as lost")}.",
    };

    private string Done(string what, string how) => Repaired ? $"Done: {what} {how}" : $"With repair: {what} {how}";
}

/// <summary>What an audit can find.</summary>
public enum AuditFindingKind
{
    /// <summary>An id is in a set, and its record is gone.</summary>
    NoRecord = 1,

    /// <summary>A record is in no set, so nothing would ever happen to it.</summary>
    NoPlace = 2,

    /// <summary>An id is in two sets, or twice in line.</summary>
    TwoPlaces = 3,

    /// <summary>A record's state contradicts the set that it is in.</summary>
    WrongPlace = 4,

    /// <summary>A job is active without a lease.</summary>
    NoLease = 5,

    /// <summary>A lease has no deadline, or belongs to a job that does not run.</summary>
    NoDeadline = 6,

    /// <summary>A unique key's holder is gone.</summary>
    UniqueKeyStale = 7,

    /// <summary>A follow-up for another queue cannot be read.</summary>
    OutboxUnreadable = 8,

    /// <summary>An id is noted as ended in line, but is not in line.</summary>
    PassedOverInVain = 9,

    /// <summary>Accepted jobs and what became of them do not add up.</summary>
    CountsDiffer = 10,
}
