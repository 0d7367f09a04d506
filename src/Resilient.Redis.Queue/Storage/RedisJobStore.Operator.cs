using StackExchange.Redis;

namespace Resilient.Redis.Queue.Storage;

/// <summary>The operator's verbs.</summary>
internal sealed partial class RedisJobStore
{
    public override async ValueTask<JobId[]> GetDeadAsync(long from, int count, bool newestFirst, CancellationToken cancellationToken)
    {
        var order = newestFirst ? Order.Descending : Order.Ascending;
        var ids = await redis.ExecuteAsync(
            static (database, call) => database.SortedSetRangeByRankAsync(call.Dead, call.from, call.from + call.count - 1, call.order),
            (keys.Dead, from, count, order), RetrySafety.Idempotent, cancellationToken).ConfigureAwait(false);
        return Array.ConvertAll(ids, id => JobId.Stored((string)id!));
    }

    public override async ValueTask<ReplyCode> RequeueAsync(JobId id, CancellationToken cancellationToken) => Code(await RunAsync(
        scripts.Requeue, [keys.Root, keys.Waiting, keys.Dead, keys.Stats, keys.Idle, keys.Job(id)], [id.Value], RetrySafety.Idempotent, cancellationToken).ConfigureAwait(false));

    public override async ValueTask<ReplyCode> RemoveAsync(JobId id, CancellationToken cancellationToken) => Code(await RunAsync(
        scripts.Remove, [keys.Root, keys.Dead, keys.Done, keys.Clock, keys.Stats, keys.Job(id)], [id.Value], RetrySafety.Idempotent, cancellationToken).ConfigureAwait(false));

    public override async ValueTask<ReplyCode> PauseAsync(bool paused, CancellationToken cancellationToken) => Code(await RunAsync(
        scripts.Pause, [keys.Root, keys.Settings, keys.Waiting, keys.Suspect, keys.Idle], [paused], RetrySafety.Idempotent, cancellationToken).ConfigureAwait(false));
}
