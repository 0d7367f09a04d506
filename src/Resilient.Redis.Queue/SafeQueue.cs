using System.Runtime.CompilerServices;
using Resilient.Redis.Queue.Diagnostics;
using Resilient.Redis.Queue.Producing;

namespace Resilient.Redis.Queue;

/// <summary>Makes enqueue safe: id first; try; on a failure that may be the connection's, ping and drop what does not answer; once more.</summary>
/// <remarks>
/// Because the id is made before the first attempt and Redis decides by it, the retry never makes a second job (promise 3).
/// One <see cref="IResilientRedis.TotalTimeout"/> spans both attempts and the ping.
/// What a retry cannot mend (a bad argument, a wrong password, a job too large, OOM) is thrown at once.
/// </remarks>
public sealed class SafeQueue(IJobQueue inner, IResilientRedis redis, TimeProvider? time = null) : IJobQueue
{
    private const int BatchSize = 1000;

    private readonly JobIdSource _ids = new();
    private readonly TimeProvider _time = time ?? TimeProvider.System;

    /// <inheritdoc/>
    public string Name => inner.Name;

    /// <inheritdoc/>
    public ValueTask<EnqueueResult> EnqueueAsync<TJob>(TJob job, EnqueueOptions? options = null, CancellationToken cancellationToken = default)
    {
        var call = new EnqueueCall(redis.TotalTimeout, _time);
        return EnqueueSafelyAsync(job, With(options, call), call, cancellationToken);
    }

    /// <inheritdoc/>
    /// <remarks>The time limit and the retry are for each thousand.</remarks>
    public async ValueTask<IReadOnlyList<EnqueueResult>> EnqueueManyAsync<TJob>(IReadOnlyList<JobRequest<TJob>> jobs, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(jobs);
        var results = new List<EnqueueResult>(jobs.Count);
        foreach (var batch in jobs.Chunk(BatchSize))
        {
            var call = new EnqueueCall(redis.TotalTimeout, _time) { AcceptedBefore = results.Count };
            JobRequest<TJob>[] safe = Array.ConvertAll(batch, request => request with { Options = With(request.Options, call) });
            try
            {
                results.AddRange(await EnqueueSafelyAsync(safe, call, cancellationToken).ConfigureAwait(false));
            }
            catch (JobNotReplicatedException notReplicated) when (results.Count > 0)
            {
                throw notReplicated.After(results);
            }
        }

        return results;
    }

    /// <inheritdoc/>
    public ValueTask<CancelResult> CancelAsync(JobId id, string? reason = null, CancellationToken cancellationToken = default) =>
        inner.CancelAsync(id, reason, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<JobInfo?> GetAsync(JobId id, CancellationToken cancellationToken = default) => inner.GetAsync(id, cancellationToken);

    /// <inheritdoc/>
    public Task<TResult?> WaitForResultAsync<TResult>(JobId id, TimeSpan? timeout = null, CancellationToken cancellationToken = default) =>
        inner.WaitForResultAsync<TResult>(id, timeout, cancellationToken);

    /// <summary>The id is made here, once for all attempts.</summary>
    private EnqueueOptions With(EnqueueOptions? options, EnqueueCall call) => options is null
        ? new EnqueueOptions { Id = _ids.Next(), Call = call }
        : options with { Id = options.Id ?? _ids.Next(), Call = call };

    /// <summary>What succeeds at once makes no closure and no text.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<EnqueueResult> EnqueueSafelyAsync<TJob>(TJob job, EnqueueOptions safe, EnqueueCall call, CancellationToken cancellationToken)
    {
        try
        {
            return await inner.EnqueueAsync(job, safe, cancellationToken).ConfigureAwait(false);
        }
        catch (RedisUnavailableException first) when (call.Left is { Ticks: > 0 } left)
        {
            return await EnqueueOnceMoreAsync(job, safe, left, first, cancellationToken).ConfigureAwait(false);
        }
    }

    private ValueTask<EnqueueResult> EnqueueOnceMoreAsync<TJob>(TJob job, EnqueueOptions safe, TimeSpan left, RedisUnavailableException first, CancellationToken cancellationToken) =>
        TryOnceMoreAsync($"enqueue of job {safe.Id}", token => inner.EnqueueAsync(job, safe, token), left, first, cancellationToken);

    private async ValueTask<IReadOnlyList<EnqueueResult>> EnqueueSafelyAsync<TJob>(JobRequest<TJob>[] safe, EnqueueCall call, CancellationToken cancellationToken)
    {
        try
        {
            return await inner.EnqueueManyAsync(safe, cancellationToken).ConfigureAwait(false);
        }
        catch (RedisUnavailableException first) when (call.Left is { Ticks: > 0 } left)
        {
            return await TryOnceMoreAsync($"enqueue of {safe.Length} jobs", token => inner.EnqueueManyAsync(safe, token), left, first, cancellationToken).ConfigureAwait(false);
        }
    }

    private async ValueTask<T> TryOnceMoreAsync<T>(
        string what, Func<CancellationToken, ValueTask<T>> attempt, TimeSpan left, RedisUnavailableException first, CancellationToken cancellationToken)
    {
        QueueTelemetry.Retried(first);
        using var limit = new CancellationTokenSource(left, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        var mayHaveExecuted = first.MayHaveExecuted;
        try
        {
            await redis.ReplaceDeadAsync(either.Token).ConfigureAwait(false);
            mayHaveExecuted = true;
            return await attempt(either.Token).ConfigureAwait(false);
        }
        catch (RedisUnavailableException second)
        {
            throw new RedisUnavailableException(second.Message + Note(first, second.MayHaveExecuted), first.MayHaveExecuted || second.MayHaveExecuted, first);
        }
        catch (RedisRefusedException second)
        {
            throw new RedisRefusedException(second.Message + Note(first, told: false), second.ErrorCode, second.IsTransient, first);
        }
        catch (JobQueueFullException second) when (first.MayHaveExecuted)
        {
            // The first attempt may be on its way still, and find room when it arrives.
            throw new JobQueueFullException(second.Message + Note(first, told: false), first);
        }
        catch (JobQueueDrainingException second) when (first.MayHaveExecuted)
        {
            throw new JobQueueDrainingException(second.Message + Note(first, told: false), first);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellationToken); // the caller looks for their own
        }
        catch (OperationCanceledException)
        {
            throw new RedisUnavailableException(
                $"Queue '{Name}': {what} was tried twice within {redis.TotalTimeout} and not confirmed. " +
                "Look at Redis, or raise ResilientRedisOptions.TotalTimeout (REDIS_TIMEOUT).", mayHaveExecuted, first);
        }
    }

    /// <summary>The second error speaks of its own attempt only.</summary>
    private static string Note(RedisUnavailableException first, bool told) =>
        first.MayHaveExecuted && !told
            ? " This was the second attempt; the first may have stored the job all the same: enqueue the same id again to be sure."
            : " This was the second attempt.";
}
