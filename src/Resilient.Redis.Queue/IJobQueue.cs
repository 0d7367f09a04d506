namespace Resilient.Redis.Queue;

/// <summary>What producers and callers use: hand jobs in, ask how they stand, wait for results.</summary>
/// <remarks>Safe for concurrent use. <c>AddQueue</c> registers the safe one (<see cref="SafeQueue"/>).</remarks>
public interface IJobQueue
{
    /// <summary>The queue's name.</summary>
    string Name { get; }

    /// <summary>Hands in a job. Once this returns the job is accepted and is not lost as long as Redis keeps what it acknowledged.</summary>
    /// <exception cref="ArgumentException">The options contradict each other or are out of range.</exception>
    /// <exception cref="JobTooLargeException">The job is larger than <see cref="JobQueueOptions.MaxPayloadBytes"/>; nothing was sent.</exception>
    /// <exception cref="JobQueueFullException">The queue has <see cref="JobQueueOptions.MaxLength"/> jobs; this one was not stored.</exception>
    /// <exception cref="JobQueueDrainingException">An operator drains the queue; the job was not stored.</exception>
    /// <exception cref="JobNotReplicatedException">The job was accepted, and was not seen in time where <see cref="JobQueueOptions.ReplicaAcks"/> or <see cref="JobQueueOptions.RequireFsync"/> want it.</exception>
    /// <exception cref="RedisUnavailableException">Redis did not confirm it; <see cref="RedisUnavailableException.MayHaveExecuted"/> tells whether it may be there. Enqueue the same id again to be sure.</exception>
    /// <exception cref="RedisRefusedException">Redis refused it, for example with OOM; the job was not stored.</exception>
    ValueTask<EnqueueResult> EnqueueAsync<TJob>(TJob job, EnqueueOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Hands in many jobs of one type. Atomic for each thousand or 4 MiB, which is one call: all of its new jobs are accepted, or none.</summary>
    /// <param name="jobs">The jobs, each with options of its own.</param>
    /// <param name="cancellationToken">Stops waiting; what was accepted stays.</param>
    /// <returns>An answer for each job, in their order.</returns>
    /// <exception cref="ArgumentException">The options of one job contradict each other or are out of range; nothing was sent.</exception>
    /// <exception cref="JobTooLargeException">One job is larger than <see cref="JobQueueOptions.MaxPayloadBytes"/>; nothing was sent.</exception>
    /// <exception cref="JobQueueFullException">They do not fit under <see cref="JobQueueOptions.MaxLength"/>; the message tells how many were accepted before.</exception>
    /// <exception cref="JobQueueDrainingException">An operator drains the queue; the message tells how many were accepted before.</exception>
    /// <exception cref="JobNotReplicatedException">As for one job; those after them were not sent.</exception>
    /// <exception cref="RedisUnavailableException">Redis did not confirm all; the message tells how many it did. Hand in the same ids again to be sure.</exception>
    /// <exception cref="RedisRefusedException">Redis refused them, for example with OOM; the message tells how many were accepted before.</exception>
    ValueTask<IReadOnlyList<EnqueueResult>> EnqueueManyAsync<TJob>(IReadOnlyList<JobRequest<TJob>> jobs, CancellationToken cancellationToken = default);

    /// <summary>Cancels a job: one that waits ends at once, one that runs has its token fired within a second and ends when its handler stops.</summary>
    /// <param name="id">The job.</param>
    /// <param name="reason">Kept with the job and told to its handler (<see cref="JobContext.CancelReason"/>).</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="RedisUnavailableException">Redis did not confirm it. Safe to repeat.</exception>
    ValueTask<CancelResult> CancelAsync(JobId id, string? reason = null, CancellationToken cancellationToken = default);

    /// <summary>Tells how a job stands; null when Redis does not know it (any more).</summary>
    ValueTask<JobInfo?> GetAsync(JobId id, CancellationToken cancellationToken = default);

    /// <summary>Waits until the job has ended and gives its result; <c>default</c> when its handler set none. An outage of Redis is waited out.</summary>
    /// <param name="id">The job.</param>
    /// <param name="timeout">The longest wait; without end by default.</param>
    /// <param name="cancellationToken">Stops waiting; the job goes on.</param>
    /// <exception cref="JobFailedException">The job is dead or cancelled, or Redis does not know it.</exception>
    /// <exception cref="TimeoutException">The job has not ended in time.</exception>
    Task<TResult?> WaitForResultAsync<TResult>(JobId id, TimeSpan? timeout = null, CancellationToken cancellationToken = default);
}

/// <summary>The answer to an enqueue.</summary>
/// <param name="Id">The job.</param>
/// <param name="Created">False when a job of this id was there already: by an earlier attempt, or by the caller's own id.</param>
public readonly record struct EnqueueResult(JobId Id, bool Created)
{
    /// <summary>The job that holds <see cref="EnqueueOptions.UniqueKey"/>, when none was made because of it; it is <see cref="Id"/> then.</summary>
    public JobId? HeldBy { get; init; }
}

/// <summary>A job among many.</summary>
/// <param name="Job">The job.</param>
/// <param name="Options">How it is enqueued; as the queue's options say when null.</param>
public readonly record struct JobRequest<TJob>(TJob Job, EnqueueOptions? Options = null);

/// <summary>What became of the wish to cancel a job.</summary>
public enum CancelResult
{
    /// <summary>It was waiting or scheduled, and is cancelled.</summary>
    Cancelled = 0,

    /// <summary>It runs: its worker is told, and it ends as cancelled unless its handler completes first.</summary>
    Requested = 1,

    /// <summary>It had ended before.</summary>
    AlreadyEnded = 2,

    /// <summary>Redis does not know it (any more).</summary>
    Unknown = 3,
}
