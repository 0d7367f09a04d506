using System.Runtime.CompilerServices;
using StackExchange.Redis;

namespace Resilient.Redis.Queue.Storage;

/// <summary>Jobs on their way in: enqueued, as follow-ups of a settlement, or from the outbox of another queue; and out again before they run.</summary>
internal partial class RedisJobStore
{
    private const int KeysOfEnqueue = 8;
    private const int FirstAnswer = 2;
    private const int FieldsBeforeJobs = 4;
    private const int FieldsOfGroup = 2;

    private JobShape? _lastShape; // most jobs are enqueued like the last one

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<EnqueueReply> EnqueueAsync(IReadOnlyList<NewJob> jobs, long notAfter, long until, CancellationToken cancellationToken)
    {
        var (called, arguments) = Arriving(jobs, notAfter, until);
        var reply = (RedisResult[])(await RunAsync(scripts.Enqueue, called, arguments, RetrySafety.Never, cancellationToken).ConfigureAwait(false))!;
        var answers = new EnqueueAnswer[jobs.Count];
        for (var i = 0; i < answers.Length; i++)
            answers[i] = reply.Length == FirstAnswer ? new(ReplyCode.Accepted, null) : ReadAnswer(reply[FirstAnswer + i]);
        return new EnqueueReply((long)reply[0], (long)reply[1], answers);
    }

    /// <summary>What enqueue.lua takes: jobs that are enqueued alike and follow each other say only once how.</summary>
    private (RedisKey[] Keys, RedisValue[] Arguments) Arriving(IReadOnlyList<NewJob> jobs, long notAfter, long until)
    {
        var (unique, groups) = (0, 0);
        for (var i = 0; i < jobs.Count; i++)
        {
            unique += jobs[i].UniqueKey.Length > 0 ? 1 : 0;
            groups += i == 0 || !jobs[i].IsLike(jobs[i - 1]) ? 1 : 0;
        }

        var called = new RedisKey[KeysOfEnqueue + jobs.Count + unique];
        keys.Enqueue.CopyTo(called);
        var arguments = new RedisValue[FieldsBeforeJobs + (FieldsOfGroup * groups) + jobs.Count];
        (arguments[0], arguments[1], arguments[2], arguments[3]) = (notAfter, until, options.MaxLength ?? 0, jobs.Count);
        var (at, keyAt, uniqueAt) = (FieldsBeforeJobs, KeysOfEnqueue, KeysOfEnqueue + jobs.Count);
        for (var from = 0; from < jobs.Count;)
        {
            var to = from + 1;
            while (to < jobs.Count && jobs[to].IsLike(jobs[to - 1]))
                to++;
            arguments[at++] = to - from;
            arguments[at++] = How(jobs[from]);
            for (; from < to; from++)
            {
                arguments[at++] = jobs[from].Body;
                called[keyAt++] = keys.Job(jobs[from].Id);
                if (jobs[from].UniqueKey.Length > 0)
                    called[uniqueAt++] = keys.Unique(jobs[from].UniqueKey);
            }
        }

        return (called, arguments);
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

    private byte[] How(NewJob job)
    {
        if (job.UniqueKey.Length > 0)
            return JobShape.Write(job); // of this one only

        var shape = _lastShape;
        if (shape is null || !shape.Fits(job))
            _lastShape = shape = new JobShape(job);
        return shape.Packed;
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
