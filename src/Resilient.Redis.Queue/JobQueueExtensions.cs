namespace Resilient.Redis.Queue;

/// <summary>Shorter ways to call <see cref="IJobQueue"/>.</summary>
public static class JobQueueExtensions
{
    /// <summary>Hands in many jobs alike; see <see cref="IJobQueue.EnqueueManyAsync"/>.</summary>
    /// <param name="queue">The queue.</param>
    /// <param name="jobs">The jobs.</param>
    /// <param name="options">The same for each, so without an id or a unique key.</param>
    /// <param name="cancellationToken">Stops waiting; what was accepted stays.</param>
    /// <exception cref="ArgumentException">The options have an id or a unique key, which only one of the jobs could have.</exception>
    public static ValueTask<IReadOnlyList<EnqueueResult>> EnqueueManyAsync<TJob>(
        this IJobQueue queue, IEnumerable<TJob> jobs, EnqueueOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(queue);
        ArgumentNullException.ThrowIfNull(jobs);
        if (options is { Id: not null } or { UniqueKey: not null })
            throw new ArgumentException("Options for many jobs have no Id and no UniqueKey: only one job could have it. Give each its own with JobRequest.", nameof(options));
        return queue.EnqueueManyAsync([.. jobs.Select(job => new JobRequest<TJob>(job, options))], cancellationToken);
    }
}
