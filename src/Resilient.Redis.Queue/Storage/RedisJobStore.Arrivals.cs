using StackExchange.Redis;

namespace Resilient.Redis.Queue.Storage;

/// <summary>Jobs on their way in: enqueued, as follow-ups of a settlement, or from the outbox of another queue; and out again before they run.</summary>
internal partial class RedisJobStore
{
    public override async ValueTask<EnqueueReply> EnqueueAsync(IReadOnlyList<NewJob> jobs, long notAfter, CancellationToken cancellationToken)
    {
        RedisKey[] called =
        [
            keys.Root, keys.Waiting, keys.Scheduled, keys.Stats, keys.Idle, keys.Suspect, keys.Skip, keys.Settings,
            .. jobs.Select(job => keys.Job(job.Id)), .. jobs.Where(job => job.UniqueKey.Length > 0).Select(job => keys.Unique(job.UniqueKey)),
        ];
        List<RedisValue> arguments = [notAfter, options.MaxLength ?? 0];
        foreach (var job in jobs)
            AddArrival(arguments, job);

        var reply = (RedisResult[])(await RunAsync(scripts.Enqueue, called, [.. arguments], RetrySafety.Never, cancellationToken).ConfigureAwait(false))!;
        return new EnqueueReply((long)reply[0], (long)reply[1], Array.ConvertAll(reply[2..], ReadAnswer));
    }

    public override async ValueTask<ReplyCode> CancelAsync(JobId id, string reason, CancellationToken cancellationToken)
    {
        RedisKey[] called = [keys.Root, keys.Waiting, keys.Suspect, keys.Scheduled, keys.Leases, keys.Done, keys.Clock, keys.Stats, keys.Job(id), keys.Waited, keys.Skip];
        return Code(await RunAsync(scripts.Cancel, called, [id.Value, reason], RetrySafety.Idempotent, cancellationToken).ConfigureAwait(false));
    }

    public override async ValueTask<OutboxEntry[]> ReadOutboxAsync(CancellationToken cancellationToken)
    {
        var reply = (RedisResult[])(await RunAsync(scripts.Outbox, [keys.Root, keys.Outbox], [], RetrySafety.Idempotent, cancellationToken).ConfigureAwait(false))!;
        return [.. reply.Select(entry => (RedisResult[])entry!).Where(entry => entry.Length > 2).Select(ReadEntry)];
    }

    public override async ValueTask RemoveFromOutboxAsync(IEnumerable<JobId> ids, CancellationToken cancellationToken) =>
        await redis.ExecuteAsync(
            static (database, call) => database.HashDeleteAsync(call.Outbox, call.Fields),
            (keys.Outbox, Fields: ids.Select(id => (RedisValue)id.Value).ToArray()), RetrySafety.Idempotent, cancellationToken).ConfigureAwait(false);

    /// <summary>The fields of Scripts/_arrive.lua.</summary>
    private static void AddArrival(List<RedisValue> arguments, NewJob job) => arguments.AddRange(
    [
        job.Id.Value, job.Name, Milliseconds(job.Delay), job.MaxAttempts, Milliseconds(job.Timeout), Milliseconds(job.Keep), job.Body,
        job.UniqueKey, Milliseconds(job.UniqueFor),
    ]);

    /// <summary>What settle.lua names in KEYS beyond the settled jobs.</summary>
    private IEnumerable<RedisKey> FollowUpKeys(IEnumerable<Settlement> settlements)
    {
        FollowUp[] followUps = [.. settlements.SelectMany(settlement => (settlement.Outcome as Outcome.Completed)?.FollowUps ?? [])];
        var here = followUps.Where(followUp => followUp.Queue.Length == 0).Select(followUp => keys.Job(followUp.Job.Id));
        return followUps.Any(followUp => followUp.Queue.Length > 0) ? here.Append(keys.Outbox) : here;
    }

    private static EnqueueAnswer ReadAnswer(RedisResult answer) => answer.Length < 0
        ? new(Code(answer), null)
        : new(Code(answer[0]), JobId.Stored((string)answer[1]!));

    private static OutboxEntry ReadEntry(RedisResult[] entry) => new(
        (string)entry[1]!,
        new NewJob(
            JobId.Stored((string)entry[0]!), (string)entry[2]!, (byte[])entry[7]!, TimeSpan.Zero, (int)entry[4],
            TimeSpan.FromMilliseconds((long)entry[5]), TimeSpan.FromMilliseconds((long)entry[6]),
            (string)entry[8]!, TimeSpan.FromMilliseconds((long)entry[9])),
        (long)entry[3]);
}
