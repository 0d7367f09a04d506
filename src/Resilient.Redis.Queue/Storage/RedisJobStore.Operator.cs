using System.Text.Json;
using StackExchange.Redis;

namespace Resilient.Redis.Queue.Storage;

/// <summary>The operator's verbs.</summary>
internal partial class RedisJobStore
{
    public override async ValueTask<JobId[]> GetDeadAsync(long from, int count, bool newestFirst, CancellationToken cancellationToken)
    {
        var order = newestFirst ? Order.Descending : Order.Ascending;
        var ids = await redis.ExecuteAsync(
            static (database, call) => database.SortedSetRangeByRankAsync(call.Dead, call.from, call.from + call.count - 1, call.order),
            (keys.Dead, from, count, order), RetrySafety.Idempotent, cancellationToken).ConfigureAwait(false);
        return Array.ConvertAll(ids, id => JobId.Stored((string)id!));
    }

    public override async ValueTask<JobPage> ListAsync(JobState state, long from, int most, JsonSerializerOptions serializer, CancellationToken cancellationToken)
    {
        var reply = await ListAsync(state, from, most, countOnly: false, cancellationToken).ConfigureAwait(false);
        return new JobPage((int)reply[0], Array.ConvertAll(reply[1..], job => ReadInfo(JobId.Stored((string)job[0]!), (RedisResult[])job[1]!, serializer)));
    }

    public override async ValueTask<(int Looked, int Jobs)> TallyAsync(JobState state, long from, int most, CancellationToken cancellationToken)
    {
        var reply = await ListAsync(state, from, most, countOnly: true, cancellationToken).ConfigureAwait(false);
        return ((int)reply[0], (int)reply[1]);
    }

    public override async ValueTask<PurgeReply> PurgeAsync(JobState state, long? expected, long from, int most, long? notAfter, CancellationToken cancellationToken)
    {
        RedisKey[] called = [keys.Root, NewCall(), keys.Waiting, keys.Suspect, keys.Scheduled, keys.Leases, keys.Dead, keys.Done, keys.Stats, keys.Skip, keys.Waited];
        RedisValue[] arguments = [(int)state, expected ?? -1, from, most, notAfter ?? 0];
        var reply = (long[])(await RunAsync(scripts.Purge, called, arguments, RetrySafety.Idempotent, cancellationToken).ConfigureAwait(false))!;
        return new PurgeReply((ReplyCode)reply[0], reply[1], reply[2], (int)reply[3], (int)reply[4], (int)reply[5]);
    }

    public override async ValueTask<ReplyCode> RequeueAsync(JobId id, CancellationToken cancellationToken) => Code(await RunAsync(
        scripts.Requeue, [keys.Root, NewCall(), keys.Waiting, keys.Dead, keys.Stats, keys.Idle, keys.Job(id)], [id.Value], RetrySafety.Idempotent, cancellationToken).ConfigureAwait(false));

    public override async ValueTask<ReplyCode> RemoveAsync(JobId id, CancellationToken cancellationToken) => Code(await RunAsync(
        scripts.Remove,
        [
            keys.Root, NewCall(), keys.Waiting, keys.Suspect, keys.Scheduled, keys.Active, keys.Leases, keys.Dead, keys.Done, keys.Stats, keys.Skip, keys.Job(id), keys.Waited,
        ],
        [id.Value], RetrySafety.Idempotent, cancellationToken).ConfigureAwait(false));

    public override ValueTask<ReplyCode> PauseAsync(bool paused, CancellationToken cancellationToken) => SetAsync(paused ? "pause" : "resume", cancellationToken);

    public override ValueTask<ReplyCode> DrainAsync(CancellationToken cancellationToken) => SetAsync("drain", cancellationToken);

    public override ValueTask<AuditReport> AuditAsync(bool repair, CancellationToken cancellationToken) =>
        new RedisAudit(redis, keys, scripts, repair).RunAsync(cancellationToken);

    private async ValueTask<ReplyCode> SetAsync(string wish, CancellationToken cancellationToken) => Code(await RunAsync(
        scripts.Pause, [keys.Root, keys.Settings, keys.Waiting, keys.Suspect, keys.Idle], [wish], RetrySafety.Idempotent, cancellationToken).ConfigureAwait(false));

    private async ValueTask<RedisResult[]> ListAsync(JobState state, long from, int most, bool countOnly, CancellationToken cancellationToken)
    {
        RedisKey[] called = [keys.Root, keys.Waiting, keys.Suspect, keys.Scheduled, keys.Active, keys.Leases, keys.Dead, keys.Done];
        return (RedisResult[])(await RunAsync(scripts.List, called, [(int)state, from, most, countOnly], RetrySafety.Idempotent, cancellationToken).ConfigureAwait(false))!;
    }

    /// <summary>Names one call and all its attempts, so that a repeat after a lost reply gets the answer of the first.</summary>
    private RedisKey NewCall() => keys.Call(JobId.New().Value);
}
