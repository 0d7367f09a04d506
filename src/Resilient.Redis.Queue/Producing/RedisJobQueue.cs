using Resilient.Redis.Queue.Storage;

namespace Resilient.Redis.Queue.Producing;

/// <summary>One script call for each question, no retry: <see cref="SafeQueue"/> owns that.</summary>
internal sealed class RedisJobQueue(
    string name, JobStore store, JobQueueOptions options, JobSerializer serializer, JobNames names, TimeSpan validity, TimeProvider time) : IJobQueue
{
    private static readonly TimeSpan s_firstLook = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan s_longestPause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan s_shortWait = TimeSpan.FromMinutes(10);

    private readonly ServerClock _serverClock = new(store, time);

    public string Name => name;

    public async ValueTask<EnqueueResult> EnqueueAsync<TJob>(TJob job, EnqueueOptions? options = null, CancellationToken cancellationToken = default)
    {
        var newJob = NewJobOf(job, options ?? new());
        var call = options?.Call ?? new EnqueueCall(validity, time);
        try
        {
            var code = await SendAsync(newJob, call, cancellationToken).ConfigureAwait(false);
            // Late by the server's clock but not by ours: its clock was stepped. The refusal voids the old limit, so a new one is safe.
            if (code == ReplyCode.Late && call.Left > TimeSpan.Zero)
            {
                call.NotAfter = null;
                code = await SendAsync(newJob, call, cancellationToken).ConfigureAwait(false);
            }

            if (code == ReplyCode.Late)
                throw new RedisUnavailableException(
                    "the call arrived after its validity was over and was refused, so that it makes no second job. Redis or the network is slow: " +
                    "raise ResilientRedisOptions.TotalTimeout, or enqueue again with the same id.", mayHaveExecuted: false);
            return new EnqueueResult(newJob.Id, Created: code == ReplyCode.Accepted);
        }
        catch (RedisRefusedException refused)
        {
            throw new RedisRefusedException(
                $"Queue '{name}': enqueue of job {newJob.Id} was refused; it was not stored. {refused.Message}",
                refused.ErrorCode, refused.IsTransient, refused.InnerException);
        }
        catch (RedisUnavailableException unavailable)
        {
            var fate = unavailable.MayHaveExecuted ? "it may be stored all the same: enqueue the same id again to be sure" : "it was not stored";
            throw new RedisUnavailableException(
                $"Queue '{name}': enqueue of job {newJob.Id} was not confirmed; {fate}. {unavailable.Message}",
                unavailable.MayHaveExecuted, unavailable.InnerException);
        }
    }

    public ValueTask<JobInfo?> GetAsync(JobId id, CancellationToken cancellationToken = default) =>
        store.InspectAsync(id, serializer.Options, cancellationToken);

    public async Task<TResult?> WaitForResultAsync<TResult>(JobId id, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        var startedAt = time.GetTimestamp();
        var pause = s_firstLook;
        while (true)
        {
            var (job, outage) = await LookAsync(id, timeout - time.GetElapsedTime(startedAt), cancellationToken).ConfigureAwait(false);
            switch (job?.State)
            {
                case JobState.Completed:
                    return job.HasResult ? job.GetResult<TResult>() : default;
                case null when outage is null:
                    throw new JobFailedException($"Queue '{name}': job {id} is not known. It never was here, or its retention is over (ResultRetention).", id, null, null);
                case JobState.Dead or JobState.Cancelled:
                    throw new JobFailedException($"Queue '{name}': job {id} is {job.State} after {job.Attempt} attempts: {job.Error}", id, job.State, job.Error);
            }

            var left = timeout - time.GetElapsedTime(startedAt);
            if (left <= TimeSpan.Zero)
                throw outage is null
                    ? new TimeoutException($"Queue '{name}': job {id} is still {job!.State} after {timeout}. It goes on; wait longer, or look whether a worker runs.")
                    : new TimeoutException($"Queue '{name}': nothing is known of job {id} after {timeout}, since Redis is away. It goes on when Redis is back.", outage);

            // Looks get rarer, so that many waiting callers are no storm.
            await Task.Delay(left < pause ? left.Value : pause, time, cancellationToken).ConfigureAwait(false);
            pause = pause * 1.5 < s_longestPause ? pause * 1.5 : s_longestPause;
        }
    }

    /// <summary>An outage is waited out: the job does not end because a caller cannot see it.</summary>
    private async ValueTask<(JobInfo? Job, RedisUnavailableException? Outage)> LookAsync(JobId id, TimeSpan? left, CancellationToken cancellationToken)
    {
        // A look can last for TotalTimeout, which may be longer than this caller wants to wait. The last one gets its time all the same,
        // else every time-out would blame Redis.
        using var limit = left is { } most && most < s_shortWait ? new CancellationTokenSource(most > s_longestPause ? most : s_longestPause, time) : null;
        using var either = limit is null ? null : CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            return (await GetAsync(id, either?.Token ?? cancellationToken).ConfigureAwait(false), null);
        }
        catch (OperationCanceledException) when (limit is { IsCancellationRequested: true } && !cancellationToken.IsCancellationRequested)
        {
            return (null, new RedisUnavailableException("Redis did not answer in time.", mayHaveExecuted: false));
        }
        catch (RedisUnavailableException outage)
        {
            return (null, outage);
        }
    }

    private async ValueTask<ReplyCode> SendAsync(NewJob job, EnqueueCall call, CancellationToken cancellationToken)
    {
        call.NotAfter ??= await ServerTimeAsync(cancellationToken).ConfigureAwait(false) + (long)call.Left.TotalMilliseconds;
        var reply = await store.EnqueueAsync([job], call.NotAfter.Value, cancellationToken).ConfigureAwait(false);
        _serverClock.Observe(reply.ServerTime);
        return reply.Codes[0];
    }

    private async ValueTask<long> ServerTimeAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await _serverClock.NowAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (RedisUnavailableException error)
        {
            // Only the question for the time was sent so far, never the job.
            throw new RedisUnavailableException(error.Message, mayHaveExecuted: false, error.InnerException);
        }
    }

    private NewJob NewJobOf<TJob>(TJob job, EnqueueOptions asked)
    {
        ArgumentNullException.ThrowIfNull(job);
        EnqueueOptionsCheck.Throw(asked);
        var payload = serializer.Write(job);
        var body = JobEnvelope.Write(payload, asked.Headers);
        if (body.Length > options.MaxPayloadBytes)
            throw new JobTooLargeException(
                $"Queue '{name}': the job has {body.Length:N0} bytes of JSON and headers, and the most is {options.MaxPayloadBytes:N0}. " +
                "Hand big data over by reference, or raise JobQueueOptions.MaxPayloadBytes. Nothing was sent.");
        return new NewJob(
            asked.Id ?? JobId.New(),
            names.Of<TJob>(),
            body,
            DelayOf(asked),
            asked.MaxAttempts ?? options.MaxAttempts,
            asked.Timeout ?? TimeSpan.Zero,
            asked.ResultRetention ?? options.ResultRetention);
    }

    private TimeSpan DelayOf(EnqueueOptions asked)
    {
        var delay = asked.Delay ?? asked.NotBefore - time.GetUtcNow() ?? TimeSpan.Zero;
        return delay > TimeSpan.Zero ? delay : TimeSpan.Zero;
    }
}
