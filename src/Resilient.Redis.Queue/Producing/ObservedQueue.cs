using Resilient.Redis.Queue.Diagnostics;

namespace Resilient.Redis.Queue.Producing;

/// <summary>Tells of each enqueue as its caller saw it: one span and one duration over both attempts of <see cref="SafeQueue"/>.</summary>
internal sealed class ObservedQueue(IJobQueue inner, QueueTelemetry telemetry, TimeProvider time) : IJobQueue
{
    public string Name => inner.Name;

    public ValueTask<EnqueueResult> EnqueueAsync<TJob>(TJob job, EnqueueOptions? options = null, CancellationToken cancellationToken = default) =>
        telemetry.ObservesEnqueue ? ObserveOneAsync(job, options, cancellationToken) : inner.EnqueueAsync(job, options, cancellationToken);

    public ValueTask<IReadOnlyList<EnqueueResult>> EnqueueManyAsync<TJob>(IReadOnlyList<JobRequest<TJob>> jobs, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(jobs);
        return jobs.Count > 0 && telemetry.ObservesEnqueue ? ObserveManyAsync(jobs, cancellationToken) : inner.EnqueueManyAsync(jobs, cancellationToken);
    }

    public ValueTask<CancelResult> CancelAsync(JobId id, string? reason = null, CancellationToken cancellationToken = default) =>
        inner.CancelAsync(id, reason, cancellationToken);

    public ValueTask<JobInfo?> GetAsync(JobId id, CancellationToken cancellationToken = default) => inner.GetAsync(id, cancellationToken);

    public Task<TResult?> WaitForResultAsync<TResult>(JobId id, TimeSpan? timeout = null, CancellationToken cancellationToken = default) =>
        inner.WaitForResultAsync<TResult>(id, timeout, cancellationToken);

    private ValueTask<EnqueueResult> ObserveOneAsync<TJob>(TJob job, EnqueueOptions? options, CancellationToken cancellationToken) =>
        ObserveAsync(null, options?.Headers, () => inner.EnqueueAsync(job, options, cancellationToken));

    private ValueTask<IReadOnlyList<EnqueueResult>> ObserveManyAsync<TJob>(IReadOnlyList<JobRequest<TJob>> jobs, CancellationToken cancellationToken) =>
        ObserveAsync(jobs.Count, null, () => inner.EnqueueManyAsync(jobs, cancellationToken));

    private async ValueTask<TResult> ObserveAsync<TResult>(int? count, IReadOnlyDictionary<string, string>? headers, Func<ValueTask<TResult>> enqueue)
    {
        var activity = telemetry.StartEnqueue(count, headers);
        var began = time.GetTimestamp();
        try
        {
            var result = await enqueue().ConfigureAwait(false);
            telemetry.Enqueued(activity, count ?? 1, began, null);
            return result;
        }
        catch (Exception error) // It is told, and goes on to the caller.
        {
            telemetry.Enqueued(activity, count ?? 1, began, error);
            throw;
        }
        finally
        {
            if (activity is not null)
                QueueTelemetry.Guarded(activity, static ended => ended.Dispose());
        }
    }
}
