using System.Runtime.CompilerServices;
using Resilient.Redis.Queue.Diagnostics;
using Resilient.Redis.Queue.Storage;
using Resilient.Redis.Queue.Worker;

namespace Resilient.Redis.Queue.Producing;

/// <summary>One script call for each question, no retry: <see cref="SafeQueue"/> owns that.</summary>
internal sealed class RedisJobQueue(
    string name, JobStore store, JobWriter writer, JobSerializer serializer, TimeSpan validity, TimeProvider time, Durability? durability = null) : IJobQueue
{
    /// <summary>What one script call carries: one that takes long holds up everybody.</summary>
    public const int MostInOneCall = 1000;

    /// <inheritdoc cref="MostInOneCall"/>
    public const long MostBytesInOneCall = 4 * 1024 * 1024;

    private static readonly TimeSpan s_firstLook = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan s_longestPause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan s_pauseBetweenBells = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_shortWait = TimeSpan.FromMinutes(10);
    private static readonly EnqueueOptions s_asUsual = new();

    private readonly SharedCalls _calls = new(store, time);
    private readonly ServerClock _serverClock = new(store, time);
    private readonly ResultWaiters _waiters = new(store, time);

    public string Name => name;

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<EnqueueResult> EnqueueAsync<TJob>(TJob job, EnqueueOptions? options = null, CancellationToken cancellationToken = default)
    {
        var span = QueueTelemetry.CurrentEnqueue;
        var newJob = writer.Write(job, options ?? s_asUsual, span);
        span?.SetTag(TelemetryNames.MessageId, newJob.Id.Value).SetTag(TelemetryNames.JobType, newJob.Name);
        var call = options?.Call ?? new EnqueueCall(validity, time);
        if (durability is null)
            return ResultOf(newJob, (await SendAsync([newJob], call, 0, cancellationToken).ConfigureAwait(false))[0]);
        var results = new List<EnqueueResult>(1);
        await AcceptAsync([newJob], call, 0, results, cancellationToken).ConfigureAwait(false);
        return results[0];
    }

    public async ValueTask<IReadOnlyList<EnqueueResult>> EnqueueManyAsync<TJob>(IReadOnlyList<JobRequest<TJob>> jobs, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(jobs);
        var span = QueueTelemetry.CurrentEnqueue;
        NewJob[] newJobs = [.. jobs.Select(request => writer.Write(request.Job, request.Options ?? s_asUsual, span))];
        var results = new List<EnqueueResult>(newJobs.Length);
        // One validity for each call: thousands of jobs may take longer than one call may.
        var call = jobs.Count > 0 ? jobs[0].Options?.Call : null;
        foreach (var batch in Batches(newJobs))
        {
            await AcceptAsync(batch, results.Count == 0 && call is not null ? call : new EnqueueCall(validity, time), results.Count + (call?.AcceptedBefore ?? 0), results, cancellationToken).ConfigureAwait(false);
        }

        return results;
    }

    /// <summary>Hands in what another queue has kept for this one; a repeat makes no second job. No replica is waited for: the other queue has it until it is here.</summary>
    public async ValueTask DeliverAsync(NewJob job, CancellationToken cancellationToken) =>
        await SendAsync([job], new EnqueueCall(validity, time), 0, cancellationToken).ConfigureAwait(false);

    public async ValueTask<CancelResult> CancelAsync(JobId id, string? reason = null, CancellationToken cancellationToken = default)
    {
        var code = await store.CancelAsync(id, string.IsNullOrEmpty(reason) ? "It was cancelled." : ErrorText.Cut(reason), cancellationToken).ConfigureAwait(false);
        return code switch
        {
            ReplyCode.Accepted => CancelResult.Cancelled,
            ReplyCode.Already => CancelResult.Requested,
            ReplyCode.Ended => CancelResult.AlreadyEnded,
            _ => CancelResult.Unknown,
        };
    }

    public ValueTask<JobInfo?> GetAsync(JobId id, CancellationToken cancellationToken = default) =>
        store.InspectAsync(id, serializer.Options, cancellationToken);

    public async Task<TResult?> WaitForResultAsync<TResult>(JobId id, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        var startedAt = time.GetTimestamp();
        var pause = s_firstLook;
        using var seat = _waiters.Wait(id);
        await EndsWithinAsync(_waiters.OpenAsync(), timeout < s_longestPause ? timeout.Value : s_longestPause, cancellationToken).ConfigureAwait(false);
        while (true)
        {
            var (ring, listener) = (seat.NextRing, _waiters.Listener);
            var (job, outage) = await LookAsync(id, listener, timeout - time.GetElapsedTime(startedAt), cancellationToken).ConfigureAwait(false);
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

            // The bell tells of the end; one that is lost costs a later look. Who would hear nothing looks, and ever more rarely: many are no storm.
            var hears = listener.Length > 0 && outage is null;
            var longest = hears ? s_pauseBetweenBells * (0.8 + 0.4 * Random.Shared.NextDouble()) : pause;
            await EndsWithinAsync(ring, left < longest ? left.Value : longest, cancellationToken).ConfigureAwait(false);
            pause = hears ? s_firstLook : pause * 1.5 < s_longestPause ? pause * 1.5 : s_longestPause;
            _ = _waiters.OpenAsync(); // again where it hears nothing any more; throws nothing
        }
    }

    /// <summary>An outage is waited out: the job does not end because a caller cannot see it.</summary>
    private async ValueTask<(JobInfo? Job, RedisUnavailableException? Outage)> LookAsync(JobId id, string listener, TimeSpan? left, CancellationToken cancellationToken)
    {
        // A look can last for TotalTimeout, which may be longer than this caller wants to wait. The last one gets its time all the same,
        // else every time-out would blame Redis.
        using var limit = left is { } most && most < s_shortWait ? new CancellationTokenSource(most > s_longestPause ? most : s_longestPause, time) : null;
        using var either = limit is null ? null : CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            return (await store.InspectAsync(id, serializer.Options, listener, either?.Token ?? cancellationToken).ConfigureAwait(false), null);
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

    private async Task EndsWithinAsync(Task task, TimeSpan longest, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await Task.WhenAny(task, Task.Delay(longest, time, stop.Token)).ConfigureAwait(false);
        await stop.CancelAsync().ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
    }

    private static EnqueueResult ResultOf(NewJob job, EnqueueAnswer answer) => answer.Holder is { } holder
        ? new EnqueueResult(holder, Created: false) { HeldBy = holder }
        : new EnqueueResult(job.Id, Created: answer.Code == ReplyCode.Accepted);

    /// <summary>As much as one call carries.</summary>
    private static IEnumerable<IReadOnlyList<NewJob>> Batches(NewJob[] jobs)
    {
        for (var from = 0; from < jobs.Length;)
        {
            var (count, bytes) = (0, 0L);
            while (from + count < jobs.Length && count < MostInOneCall && (count == 0 || bytes + jobs[from + count].Body.Length <= MostBytesInOneCall))
                bytes += jobs[from + count++].Body.Length;
            yield return new ArraySegment<NewJob>(jobs, from, count);
            from += count;
        }
    }

    /// <summary>Sends what one script call takes, and waits until it is where the options want it; adds the answers to <paramref name="results"/>.</summary>
    private async ValueTask AcceptAsync(
        IReadOnlyList<NewJob> jobs, EnqueueCall call, int before, List<EnqueueResult> results, CancellationToken cancellationToken)
    {
        if (durability is not null)
            await durability.OpenAsync(call.Left, cancellationToken).ConfigureAwait(false);
        var answers = await SendAsync(jobs, call, before, cancellationToken).ConfigureAwait(false);
        for (var i = 0; i < answers.Length; i++)
            results.Add(ResultOf(jobs[i], answers[i]));
        if (durability is null)
            return;

        var what = What(jobs, before);
        var confirmed = await durability.ConfirmAsync([.. jobs.Select(job => job.Id)], call.Left, cancellationToken).ConfigureAwait(false);
        // Another server than the one that accepted it: only a repeat makes it be there.
        if (!confirmed.HasJobs)
            throw new RedisUnavailableException(
                $"Queue '{name}': {what} was accepted, and then Redis failed over to a server that does not have it. Enqueue the same id again.", mayHaveExecuted: true);
        if (durability.ShortageOf(confirmed) is { } shortage)
            throw new JobNotReplicatedException(
                $"Queue '{name}': {what} was accepted, but {shortage}. The job runs, unless Redis loses it; enqueue the same id again to wait once more, which makes no second job.",
                results, confirmed.Replicas, confirmed.Cause);
    }

    /// <param name="jobs">What one script call takes.</param>
    /// <param name="call">What all attempts have in common.</param>
    /// <param name="before">How many jobs of the same call for many were accepted before; for messages.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<EnqueueAnswer[]> SendAsync(IReadOnlyList<NewJob> jobs, EnqueueCall call, int before, CancellationToken cancellationToken)
    {
        try
        {
            var reply = await SendOnceAsync(jobs, call, cancellationToken).ConfigureAwait(false);
            // Late by the server's clock but not by ours: its clock was stepped. The refusal voids the old limit, so a new one is safe.
            if (IsLate(reply) && call.Left > TimeSpan.Zero)
            {
                call.NotAfter = null;
                reply = await SendOnceAsync(jobs, call, cancellationToken).ConfigureAwait(false);
            }

            if (Refusal(reply) is not { } refusal)
                return reply.Answers;
            if (refusal == ReplyCode.Late)
                throw new RedisUnavailableException(
                    "the call arrived after its validity was over and was refused, so that it makes no second job. Redis or the network is slow: " +
                    "raise ResilientRedisOptions.TotalTimeout, or enqueue again with the same id.", mayHaveExecuted: false);
            if (refusal == ReplyCode.Full)
                throw new JobQueueFullException(
                    $"Queue '{name}': {What(jobs, before)} was refused; nothing of it was stored: {reply.Length:N0} jobs wait or are scheduled, and the most is {store.MaxLength:N0} (JobQueueOptions.MaxLength).");
            throw new JobQueueDrainingException(
                $"Queue '{name}': {What(jobs, before)} was refused; nothing of it was stored: an operator drains the queue. It takes jobs again after IJobQueueAdmin.ResumeAsync.");
        }
        catch (RedisRefusedException refused)
        {
            throw new RedisRefusedException(
                $"Queue '{name}': {What(jobs, before)} was refused; it was not stored. {refused.Message}", refused.ErrorCode, refused.IsTransient, refused.InnerException);
        }
        catch (RedisUnavailableException unavailable)
        {
            var fate = unavailable.MayHaveExecuted ? "it may be stored all the same: enqueue the same id again to be sure" : "it was not stored";
            throw new RedisUnavailableException(
                $"Queue '{name}': {What(jobs, before)} was not confirmed; {fate}. {unavailable.Message}",
                unavailable.MayHaveExecuted, unavailable.InnerException);
        }
    }

    private static string What(IReadOnlyList<NewJob> jobs, int before) =>
        jobs.Count == 1 && before == 0 ? $"enqueue of job {jobs[0].Id}" : $"enqueue of {jobs.Count} jobs, after {before} of the same call that were accepted,";

    private static bool IsLate(EnqueueReply reply) => Refusal(reply) == ReplyCode.Late;

    /// <summary>Why new jobs of this call were refused, all for the one reason; null where none was.</summary>
    private static ReplyCode? Refusal(EnqueueReply reply)
    {
        foreach (var answer in reply.Answers)
        {
            if (answer.Code is ReplyCode.Late or ReplyCode.Full or ReplyCode.Draining)
                return answer.Code;
        }

        return null;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<EnqueueReply> SendOnceAsync(IReadOnlyList<NewJob> jobs, EnqueueCall call, CancellationToken cancellationToken)
    {
        call.NotAfter ??= await ServerTimeAsync(cancellationToken).ConfigureAwait(false) + (long)call.Left.TotalMilliseconds;
        var reply = await _calls.EnqueueAsync(jobs, call.NotAfter.Value, call.Left, cancellationToken).ConfigureAwait(false);
        _serverClock.Observe(reply.ServerTime);
        return reply;
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
}
