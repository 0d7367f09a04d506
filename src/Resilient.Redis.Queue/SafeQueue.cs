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
    private readonly TimeProvider _time = time ?? TimeProvider.System;

    /// <inheritdoc/>
    public string Name => inner.Name;

    /// <inheritdoc/>
    public async ValueTask<EnqueueResult> EnqueueAsync<TJob>(TJob job, EnqueueOptions? options = null, CancellationToken cancellationToken = default)
    {
        var call = new EnqueueCall(redis.TotalTimeout, _time);
        options ??= new();
        options = options with { Id = options.Id ?? JobId.New(), Call = call };
        try
        {
            return await inner.EnqueueAsync(job, options, cancellationToken).ConfigureAwait(false);
        }
        catch (RedisUnavailableException first) when (call.Left is { Ticks: > 0 } left)
        {
            return await TryOnceMoreAsync(job, options, left, first, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public ValueTask<JobInfo?> GetAsync(JobId id, CancellationToken cancellationToken = default) => inner.GetAsync(id, cancellationToken);

    /// <inheritdoc/>
    public Task<TResult?> WaitForResultAsync<TResult>(JobId id, TimeSpan? timeout = null, CancellationToken cancellationToken = default) =>
        inner.WaitForResultAsync<TResult>(id, timeout, cancellationToken);

    private async ValueTask<EnqueueResult> TryOnceMoreAsync<TJob>(
        TJob job, EnqueueOptions options, TimeSpan left, RedisUnavailableException first, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(left, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        var mayHaveExecuted = first.MayHaveExecuted;
        try
        {
            await redis.ReplaceDeadAsync(either.Token).ConfigureAwait(false);
            mayHaveExecuted = true;
            return await inner.EnqueueAsync(job, options, either.Token).ConfigureAwait(false);
        }
        catch (RedisUnavailableException second)
        {
            throw new RedisUnavailableException(second.Message + Note(options, first, second.MayHaveExecuted), first.MayHaveExecuted || second.MayHaveExecuted, first);
        }
        catch (RedisRefusedException second)
        {
            throw new RedisRefusedException(second.Message + Note(options, first, told: false), second.ErrorCode, second.IsTransient, first);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellationToken); // the caller looks for their own
        }
        catch (OperationCanceledException)
        {
            throw new RedisUnavailableException(
                $"Queue '{Name}': enqueue of job {options.Id} was tried twice within {redis.TotalTimeout} and not confirmed. " +
                "Look at Redis, or raise ResilientRedisOptions.TotalTimeout (REDIS_TIMEOUT).", mayHaveExecuted, first);
        }
    }

    /// <summary>The second error speaks of its own attempt only.</summary>
    private static string Note(EnqueueOptions options, RedisUnavailableException first, bool told) =>
        first.MayHaveExecuted && !told
            ? $" This was the second attempt; the first may have stored the job all the same: enqueue {options.Id} again to be sure."
            : " This was the second attempt.";
}
