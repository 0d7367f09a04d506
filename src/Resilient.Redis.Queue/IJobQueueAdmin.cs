namespace Resilient.Redis.Queue;

/// <summary>What operators use; producers never see it.</summary>
public interface IJobQueueAdmin
{
    /// <summary>The queue's name.</summary>
    string Name { get; }

    /// <summary>Counts the jobs in each state, in one atomic look.</summary>
    ValueTask<QueueCounts> CountAsync(CancellationToken cancellationToken = default);
}

/// <summary>How many jobs there are at one moment, and what became of all that were ever accepted.</summary>
public sealed record QueueCounts
{
    /// <summary>Ready to be claimed.</summary>
    public required long Waiting { get; init; }

    /// <summary>Not due yet.</summary>
    public required long Scheduled { get; init; }

    /// <summary>Leased to a worker.</summary>
    public required long Active { get; init; }

    /// <summary>Dead, and still kept.</summary>
    public required long Dead { get; init; }

    /// <summary>Accepted since the queue exists.</summary>
    public required long TotalAccepted { get; init; }

    /// <summary>Completed since the queue exists.</summary>
    public required long TotalCompleted { get; init; }

    /// <summary>Dead jobs removed by age or number since the queue exists.</summary>
    public required long TotalTrimmed { get; init; }

    /// <summary>Jobs that vanished from Redis under the queue: keys deleted by hand, or writes lost in a failover.</summary>
    public required long TotalLost { get; init; }
}
