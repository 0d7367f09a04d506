using System.Runtime.CompilerServices;
using Resilient.Redis.Queue.Storage;

namespace Resilient.Redis.Queue.Producing;

/// <summary>The operator's verbs.</summary>
internal sealed class JobQueueAdmin(string name, JobStore store, JobSerializer serializer, TimeProvider time) : IJobQueueAdmin
{
    private const int Page = 100;
    private const int PageOfPurge = 500;

    private static readonly TimeSpan s_firstLook = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan s_longestPause = TimeSpan.FromSeconds(1);

    public string Name => name;

    public ValueTask<QueueCounts> CountAsync(CancellationToken cancellationToken = default) => store.CountAsync(cancellationToken);

    public async IAsyncEnumerable<JobInfo> List(JobState state, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        for (var from = 0L; ;)
        {
            var page = await store.ListAsync(Known(state), from, Page, serializer.Options, cancellationToken).ConfigureAwait(false);
            foreach (var job in page.Jobs)
                yield return job;
            if (page.Looked == 0)
                yield break;
            from += page.Looked;
        }
    }

    public async ValueTask<bool> RequeueAsync(JobId id, CancellationToken cancellationToken = default) =>
        await store.RequeueAsync(id, cancellationToken).ConfigureAwait(false) == ReplyCode.Accepted;

    public async ValueTask<long> RequeueAllDeadAsync(CancellationToken cancellationToken = default)
    {
        // Only as many as there are now: a job that dies again at once must not go round for ever.
        var left = (await store.CountAsync(cancellationToken).ConfigureAwait(false)).Dead;
        var (requeued, unreadable) = (0L, 0L);
        while (left > 0)
        {
            var ids = await store.GetDeadAsync(unreadable, (int)Math.Min(left, Page), newestFirst: false, cancellationToken).ConfigureAwait(false);
            if (ids.Length == 0)
                break;
            var done = 0L;
            foreach (var id in ids)
                done += await RequeueAsync(id, cancellationToken).ConfigureAwait(false) ? 1 : 0;
            left -= ids.Length;
            requeued += done;
            unreadable += ids.Length - done;
        }

        return requeued;
    }

    public async ValueTask<RemoveResult> RemoveAsync(JobId id, CancellationToken cancellationToken = default) =>
        await store.RemoveAsync(id, cancellationToken).ConfigureAwait(false) switch
        {
            ReplyCode.Accepted => RemoveResult.Removed,
            ReplyCode.Running => RemoveResult.Active,
            _ => RemoveResult.Unknown,
        };

    public async ValueTask<long> PurgeAsync(JobState state, long expectedCount, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(expectedCount);
        if (Known(state) is JobState.Active)
            throw new ArgumentException("What workers have cannot be purged: cancel it first (IJobQueue.CancelAsync).", nameof(state));

        // Completed and cancelled jobs are kept together: theirs are counted first. What ends from here on is left.
        var countedApart = state is JobState.Completed or JobState.Cancelled;
        long? notAfter = countedApart ? await store.GetServerTimeAsync(cancellationToken).ConfigureAwait(false) : null;
        if (countedApart && await CountAsync(state, cancellationToken).ConfigureAwait(false) is var count && count != expectedCount)
            throw Changed(state, expectedCount, count);

        var (removed, left) = (0L, 0L);
        while (removed < expectedCount || notAfter is null)
        {
            long? expected = notAfter is null ? expectedCount : null;
            var most = (int)Math.Clamp(expectedCount - removed, 1, PageOfPurge);
            var page = await store.PurgeAsync(state, expected, left, most, notAfter, cancellationToken).ConfigureAwait(false);
            if (page.Code == ReplyCode.Changed)
                throw Changed(state, expectedCount, page.Count);
            notAfter ??= page.ServerTime;
            removed += page.Removed;
            left += page.Left;
            if (page.Looked == 0)
                break;
        }

        return removed;
    }

    public async ValueTask DrainAsync(CancellationToken cancellationToken = default)
    {
        await store.DrainAsync(cancellationToken).ConfigureAwait(false);
        for (var pause = s_firstLook; ; pause = pause * 1.5 < s_longestPause ? pause * 1.5 : s_longestPause)
        {
            var counts = await store.CountAsync(cancellationToken).ConfigureAwait(false);
            if (counts.Waiting + counts.Scheduled + counts.Active == 0)
                return;
            if (counts.IsPaused)
                throw new InvalidOperationException(
                    $"Queue '{name}' is paused with {counts.Waiting + counts.Scheduled:N0} jobs in it, so it will never be empty. It takes no new jobs now; resume it, and drain it then.");
            if (!counts.IsDraining)
                throw new InvalidOperationException($"Queue '{name}' was resumed while it was drained: it takes new jobs again.");
            await Task.Delay(pause, time, cancellationToken).ConfigureAwait(false);
        }
    }

    public ValueTask<AuditReport> AuditAsync(bool repair = false, CancellationToken cancellationToken = default) => store.AuditAsync(repair, cancellationToken);

    public async ValueTask PauseAsync(CancellationToken cancellationToken = default) => await store.PauseAsync(true, cancellationToken).ConfigureAwait(false);

    public async ValueTask ResumeAsync(CancellationToken cancellationToken = default) => await store.PauseAsync(false, cancellationToken).ConfigureAwait(false);

    public async ValueTask<IReadOnlyList<RecurringJob>> GetRecurringAsync(CancellationToken cancellationToken = default) =>
        [.. (await store.GetRecurringAsync(cancellationToken).ConfigureAwait(false)).OrderBy(job => job.Name, StringComparer.Ordinal)];

    public async ValueTask<EnqueueResult?> TriggerRecurringAsync(string name, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(name);
        var id = JobId.New();
        var answer = await store.TriggerAsync(name, id, cancellationToken).ConfigureAwait(false);
        return answer switch
        {
            { Code: ReplyCode.Gone } => null,
            { Holder: { } holder } => new EnqueueResult(holder, Created: false) { HeldBy = holder },
            _ => new EnqueueResult(id, Created: true),
        };
    }

    public async ValueTask<bool> RemoveRecurringAsync(string name, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(name);
        return await store.UnscheduleAsync(name, cancellationToken).ConfigureAwait(false) == ReplyCode.Accepted;
    }

    private async ValueTask<long> CountAsync(JobState state, CancellationToken cancellationToken)
    {
        var (count, from) = (0L, 0L);
        while (await store.TallyAsync(state, from, PageOfPurge, cancellationToken).ConfigureAwait(false) is { Looked: > 0 } page)
        {
            count += page.Jobs;
            from += page.Looked;
        }

        return count;
    }

    private JobCountChangedException Changed(JobState state, long expected, long actual) => new(
        $"Queue '{name}': the purge of {expected:N0} {state} jobs was refused, nothing was removed: there are {actual:N0} now. Look again, and purge with that number.", expected, actual);

    private static JobState Known(JobState state) =>
        Enum.IsDefined(state) ? state : throw new ArgumentOutOfRangeException(nameof(state), state, "There is no such state of a job.");
}
