namespace Resilient.Redis.Queue;

/// <summary>What operators use; producers never see it.</summary>
public interface IJobQueueAdmin
{
    /// <summary>The queue's name.</summary>
    string Name { get; }

    /// <summary>Counts the jobs in each state, in one atomic look.</summary>
    ValueTask<QueueCounts> CountAsync(CancellationToken cancellationToken = default);

    /// <summary>Lists dead jobs, newest first, in pages of a hundred. What dies or is trimmed meanwhile may be missed or come twice.</summary>
    IAsyncEnumerable<JobInfo> ListDead(CancellationToken cancellationToken = default);

    /// <summary>Sends a dead job back to the end of the line, with all its attempts before it.</summary>
    /// <returns>False when no job of this id is dead, or its record cannot be read; also when a first attempt did it and its reply was lost.</returns>
    ValueTask<bool> RequeueAsync(JobId id, CancellationToken cancellationToken = default);

    /// <summary>Sends all dead jobs that can be read back, oldest first; one script call each, so that Redis is never held up.</summary>
    /// <returns>How many.</returns>
    ValueTask<long> RequeueAllDeadAsync(CancellationToken cancellationToken = default);

    /// <summary>Gives a dead job up for good.</summary>
    /// <returns>False when no job of this id is dead; also when a first attempt did it and its reply was lost.</returns>
    ValueTask<bool> RemoveDeadAsync(JobId id, CancellationToken cancellationToken = default);

    /// <summary>Hands out nothing more, to no worker, until <see cref="ResumeAsync"/>. What runs goes on, leases are kept, and producers go on.</summary>
    ValueTask PauseAsync(CancellationToken cancellationToken = default);

    /// <summary>Hands out jobs again, at once.</summary>
    ValueTask ResumeAsync(CancellationToken cancellationToken = default);

    /// <summary>The recurring jobs that are registered, also those that no process has in its code any more (<see cref="RecurringJob.SeenAt"/>).</summary>
    ValueTask<IReadOnlyList<RecurringJob>> GetRecurringAsync(CancellationToken cancellationToken = default);

    /// <summary>Makes a recurring job now, beside its schedule.</summary>
    /// <returns>The job, or the one that holds its unique key; null when there is no recurring job of this name.</returns>
    /// <exception cref="RedisUnavailableException">Redis did not confirm it; <see cref="RedisUnavailableException.MayHaveExecuted"/> tells whether it may be there.</exception>
    ValueTask<EnqueueResult?> TriggerRecurringAsync(string name, CancellationToken cancellationToken = default);

    /// <summary>Removes a recurring job. Processes that have it in their code bring it back only when one of them starts, so remove it there too.</summary>
    /// <returns>False when there is no recurring job of this name; also when a first attempt did it and its reply was lost.</returns>
    ValueTask<bool> RemoveRecurringAsync(string name, CancellationToken cancellationToken = default);
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

    /// <summary>Cancelled since the queue exists.</summary>
    public required long TotalCancelled { get; init; }

    /// <summary>Dead jobs removed by an operator since the queue exists.</summary>
    public required long TotalRemoved { get; init; }

    /// <summary>For how long the next job has been ready to be claimed, by Redis's clock; null when none is ready. What a lost worker gave back counts anew.</summary>
    public TimeSpan? OldestReadyAge { get; init; }

    /// <summary>Whether an operator has paused the queue.</summary>
    public required bool IsPaused { get; init; }

    /// <summary>Jobs that vanished from Redis under the queue: keys deleted by hand, or writes lost in a failover.</summary>
    public required long TotalLost { get; init; }
}
