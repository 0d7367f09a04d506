namespace Resilient.Redis.Queue;

/// <summary>Makes enqueue safe: id first; try; on a failure that may be the connection's, ping and drop what does not answer; once more.</summary>
public sealed class SafeQueue(IJobQueue inner, IResilientRedis redis, TimeProvider? time = null) : IJobQueue
{
    /// <inheritdoc/>
    public string Name => inner.Name;

    /// <inheritdoc/>
    public ValueTask<EnqueueResult> EnqueueAsync<TJob>(TJob job, EnqueueOptions? options = null, CancellationToken cancellationToken = default) => throw new NotImplementedException($"{redis}{time}");

    /// <inheritdoc/>
    public ValueTask<JobInfo?> GetAsync(JobId id, CancellationToken cancellationToken = default) => inner.GetAsync(id, cancellationToken);

    /// <inheritdoc/>
    public Task<TResult?> WaitForResultAsync<TResult>(JobId id, TimeSpan? timeout = null, CancellationToken cancellationToken = default) => inner.WaitForResultAsync<TResult>(id, timeout, cancellationToken);
}
