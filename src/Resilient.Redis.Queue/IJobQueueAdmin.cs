namespace Resilient.Redis.Queue;

/// <summary>What operators use; producers never see it.</summary>
public interface IJobQueueAdmin
{
    /// <summary>The queue's name.</summary>
    string Name { get; }

    /// <summary>Counts the jobs in each state, in one atomic look.</summary>
    ValueTask<QueueCounts> CountAsync(CancellationToken cancellationToken = default);

    /// <summary>Lists the jobs in one state, in pages of a hundred: waiting in line (those that are handed out alone first), scheduled by due time, active by deadline, completed and cancelled by the end of their retention, dead newest first.</summary>
    /// <param name="state">The state.</param>
    /// <param name="cancellationToken">Stops listing.</param>
    /// <remarks>Each page is one atomic look; what comes, goes or moves between two pages may be missed or come twice. Pause the queue for a listing that is exact.</remarks>
    IAsyncEnumerable<JobInfo> List(JobState state, CancellationToken cancellationToken = default);

    /// <summary>Sends a dead job back to the end of the line, with all its attempts before it.</summary>
    /// <returns>False when no job of this id is dead, or its record cannot be read. A cancelled job has no payload any more and cannot be requeued.</returns>
    ValueTask<bool> RequeueAsync(JobId id, CancellationToken cancellationToken = default);

    /// <summary>Sends all dead jobs that can be read back, oldest first; one script call each, so that Redis is never held up.</summary>
    /// <returns>How many.</returns>
    ValueTask<long> RequeueAllDeadAsync(CancellationToken cancellationToken = default);

    /// <summary>Gives a job up for good, with its result: any that no worker has. Its unique key is free again; repeats of its enqueue, for as long as they are valid, make no new job.</summary>
    ValueTask<RemoveResult> RemoveAsync(JobId id, CancellationToken cancellationToken = default);

    /// <summary>Gives all jobs in one state up for good, provided that there are as many as the operator has seen; what comes meanwhile is left.</summary>
    /// <param name="state">Any but <see cref="JobState.Active"/>: cancel those.</param>
    /// <param name="expectedCount">How many there are, as counted or listed before; from 0. Completed and cancelled ones are counted in pages, the others in one atomic look.</param>
    /// <param name="cancellationToken">Stops; what was removed stays so.</param>
    /// <returns>How many were removed: fewer than expected where workers took some meanwhile. Five hundred a script call, so that Redis is never held up.</returns>
    /// <exception cref="ArgumentException">The state is <see cref="JobState.Active"/>.</exception>
    /// <exception cref="JobCountChangedException">Their number differs; nothing was removed.</exception>
    /// <exception cref="RedisUnavailableException">Redis did not confirm all of it; count again, and purge what is left.</exception>
    ValueTask<long> PurgeAsync(JobState state, long expectedCount, CancellationToken cancellationToken = default);

    /// <summary>Takes no new jobs from anybody until <see cref="ResumeAsync"/>, and waits until what is there has been worked off: nothing is waiting, scheduled or active.</summary>
    /// <param name="cancellationToken">Stops waiting; new jobs are refused all the same.</param>
    /// <remarks>
    /// Retries and follow-ups within the queue still come; follow-ups for it that come from other queues wait in their outbox; ticks of recurring jobs pass without a job. An enqueue gets <see cref="JobQueueDrainingException"/>.
    /// Jobs scheduled for later are waited for: purge them, or stop waiting, where that is too long. To throw away what waits, purge it instead.
    /// </remarks>
    /// <exception cref="InvalidOperationException">The queue is paused, hands out nothing and would never be empty; or somebody has resumed it meanwhile.</exception>
    /// <exception cref="RedisUnavailableException">Redis did not answer. Safe to repeat, to wait on.</exception>
    ValueTask DrainAsync(CancellationToken cancellationToken = default);

    /// <summary>Hands out nothing more, to no worker, until <see cref="ResumeAsync"/>. What runs goes on, leases are kept, and producers go on.</summary>
    ValueTask PauseAsync(CancellationToken cancellationToken = default);

    /// <summary>Looks for jobs that are in no place, in two, or in a wrong one, for what has lost its record, its lease or its holder, and whether every accepted job is accounted for.</summary>
    /// <param name="repair">Whether to mend what is found. No repair loses a job: at worst one is handed out once more.</param>
    /// <param name="cancellationToken">Stops; what was mended stays so.</param>
    /// <remarks>
    /// Works on a queue under load and holds nobody up: it reads in pages, and each finding is seen and mended in one atomic step. It looks at every key once or
    /// twice, so it takes about as long as reading the queue does, and remembers the ids of those that wait.
    /// </remarks>
    /// <exception cref="RedisUnavailableException">Redis did not answer. Safe to repeat.</exception>
    ValueTask<AuditReport> AuditAsync(bool repair = false, CancellationToken cancellationToken = default);

    /// <summary>Hands out jobs again, at once, and takes new ones: ends a pause and a drain.</summary>
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

/// <summary>What became of the wish to remove a job.</summary>
public enum RemoveResult
{
    /// <summary>It is gone.</summary>
    Removed = 0,

    /// <summary>A worker has it: cancel it first (<see cref="IJobQueue.CancelAsync"/>). Nothing was changed.</summary>
    Active = 1,

    /// <summary>Redis does not know it (any more).</summary>
    Unknown = 2,
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

    /// <summary>Waiting, scheduled and dead jobs removed by an operator since the queue exists.</summary>
    public required long TotalRemoved { get; init; }

    /// <summary>For how long the next job has been ready to be claimed, by Redis's clock; null when none is ready. What a lost worker gave back counts anew.</summary>
    public TimeSpan? OldestReadyAge { get; init; }

    /// <summary>Whether an operator has paused the queue.</summary>
    public required bool IsPaused { get; init; }

    /// <summary>Whether an operator drains the queue: it takes no new jobs.</summary>
    public bool IsDraining { get; init; }

    /// <summary>Jobs that vanished from Redis under the queue: keys deleted by hand, or writes lost in a failover.</summary>
    public required long TotalLost { get; init; }
}
