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
    /// <exception cref="RedisUnavailableException">Redis did not confirm it; <see cref="RedisUnavailableException.MayHaveExecuted"/> tells whether it may be there. Enqueue the same id again to be sure.</exception>
    /// <exception cref="RedisRefusedException">Redis refused it, for example with OOM; the job was not stored.</exception>
    ValueTask<EnqueueResult> EnqueueAsync<TJob>(TJob job, EnqueueOptions? options = null, CancellationToken cancellationToken = default);

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
public readonly record struct EnqueueResult(JobId Id, bool Created);
