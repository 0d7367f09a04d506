namespace Resilient.Redis.Queue.Tests.Scripts;

/// <summary>Every way in which a job can stand when a call arrives for it.</summary>
public enum Standing
{
    Unknown,
    Waiting,
    Scheduled,
    ActiveMine,
    ActiveOther,

    /// <summary>My lease has expired, and nobody has looked since.</summary>
    Expired,

    /// <summary>My lease has expired, and the job is back in its line.</summary>
    Recovered,

    /// <summary>My lease has expired, and another worker has the job.</summary>
    TakenByOther,

    /// <summary>Retried after my failure.</summary>
    Retried,
    Completed,
    Dead,

    /// <summary>Mine, but its record was deleted by hand.</summary>
    RecordMissing,

    /// <summary>Mine, but its record cannot be read.</summary>
    RecordDamaged,
}
