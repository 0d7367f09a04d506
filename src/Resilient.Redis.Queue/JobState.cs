namespace Resilient.Redis.Queue;

/// <summary>Where a job stands. The values are written down in Redis and never change.</summary>
public enum JobState
{
    /// <summary>Ready, until a worker claims it.</summary>
    Waiting = 1,

    /// <summary>Not before a certain time: delayed by its producer, or by the pause before a further attempt.</summary>
    Scheduled = 2,

    /// <summary>Leased to a worker.</summary>
    Active = 3,

    /// <summary>Ended well; kept with its result for the retention.</summary>
    Completed = 4,

    /// <summary>Given up, with its reason kept.</summary>
    Dead = 5,

    /// <summary>Cancelled from outside.</summary>
    Cancelled = 6,
}
