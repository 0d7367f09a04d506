using System.Runtime.CompilerServices;
using Resilient.Redis.Queue.Storage;

namespace Resilient.Redis.Queue.Producing;

/// <summary>The operator's verbs.</summary>
internal sealed class JobQueueAdmin(string name, JobStore store, JobSerializer serializer) : IJobQueueAdmin
{
    private const int Page = 100;

    public string Name => name;

    public ValueTask<QueueCounts> CountAsync(CancellationToken cancellationToken = default) => store.CountAsync(cancellationToken);

    public async IAsyncEnumerable<JobInfo> ListDead([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        for (var from = 0; ; from += Page)
        {
            var ids = await store.GetDeadAsync(from, Page, newestFirst: true, cancellationToken).ConfigureAwait(false);
            foreach (var job in await Task.WhenAll(ids.Select(id => store.InspectAsync(id, serializer.Options, cancellationToken).AsTask())).ConfigureAwait(false))
            {
                if (job is { State: JobState.Dead })
                    yield return job;
            }

            if (ids.Length < Page)
                yield break;
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

    public async ValueTask<bool> RemoveDeadAsync(JobId id, CancellationToken cancellationToken = default) =>
        await store.RemoveAsync(id, cancellationToken).ConfigureAwait(false) == ReplyCode.Accepted;

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
}
