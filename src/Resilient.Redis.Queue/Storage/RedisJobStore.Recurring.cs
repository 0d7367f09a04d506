using StackExchange.Redis;

namespace Resilient.Redis.Queue.Storage;

/// <summary>Recurring jobs (rule R20).</summary>
internal partial class RedisJobStore
{
    private const int FieldsOfTickReply = 3;

    public override async ValueTask<(long ServerTime, TickReply Reply)> ScheduleAsync(Tick schedule, NewJob job, bool starting, CancellationToken cancellationToken)
    {
        var reply = (long[])(await RunAsync(
            scripts.Schedule, [keys.Root, keys.Recurring, keys.Ticks],
            [schedule.Name, starting, schedule.Cron, schedule.Zone, schedule.Due, How(job), job.Body], RetrySafety.Idempotent, cancellationToken).ConfigureAwait(false))!;
        return (reply[0], new TickReply((ReplyCode)reply[1], reply[2]));
    }

    public override async ValueTask<(long ServerTime, TickReply[] Replies)> AdvanceAsync(IReadOnlyList<Tick> ticks, CancellationToken cancellationToken)
    {
        Tick[] due = [.. ticks.Where(tick => tick is { Next: > 0, Run: true })];
        RedisKey[] called =
        [
            keys.Root, keys.Waiting, keys.Scheduled, keys.Stats, keys.Idle, keys.Recurring, keys.Ticks, keys.Settings,
            .. due.Select(tick => keys.Job(tick.JobId)), .. due.Where(tick => tick.UniqueKey.Length > 0).Select(tick => keys.Unique(tick.UniqueKey)),
        ];
        RedisValue[] arguments = [.. ticks.SelectMany<Tick, RedisValue>(tick => [tick.Name, tick.Cron, tick.Zone, tick.Due, tick.Next, tick.Run])];
        var reply = (long[])(await RunAsync(scripts.Advance, called, arguments, RetrySafety.Idempotent, cancellationToken).ConfigureAwait(false))!;
        return (reply[0], [.. reply.Skip(1).Chunk(FieldsOfTickReply).Select(tick => new TickReply((ReplyCode)tick[0], tick[1], tick[2] == 0 ? null : (ReplyCode)tick[2]))]);
    }

    public override async ValueTask<EnqueueAnswer> TriggerAsync(string name, JobId id, CancellationToken cancellationToken)
    {
        RedisKey[] called = [keys.Root, keys.Waiting, keys.Scheduled, keys.Stats, keys.Idle, keys.Recurring, keys.Job(id)];
        return ReadAnswer(await RunAsync(scripts.Trigger, called, [name, id.Value], RetrySafety.IfNotSent, cancellationToken).ConfigureAwait(false));
    }

    public override async ValueTask<ReplyCode> UnscheduleAsync(string name, CancellationToken cancellationToken) => Code(await RunAsync(
        scripts.Unschedule, [keys.Root, keys.Recurring, keys.Ticks], [name], RetrySafety.Idempotent, cancellationToken).ConfigureAwait(false));

    public override async ValueTask<RecurringJob[]> GetRecurringAsync(CancellationToken cancellationToken)
    {
        var reply = (RedisResult[])(await RunAsync(scripts.Recurring, [keys.Root, keys.Recurring, keys.Ticks], [], RetrySafety.Idempotent, cancellationToken).ConfigureAwait(false))!;
        return [.. reply.Select(entry => (RedisResult[])entry!).Select(ReadRecurring)];
    }

    private static RecurringJob ReadRecurring(RedisResult[] entry) => new()
    {
        Name = (string)entry[0]!,
        Cron = (string)entry[1]!,
        TimeZone = (string)entry[2]!,
        JobName = (string)entry[3]!,
        NextAt = DateTimeOffset.FromUnixTimeMilliseconds((long)entry[4]),
        LastAt = Moment(entry[5]),
        SeenAt = DateTimeOffset.FromUnixTimeMilliseconds((long)entry[6]),
    };
}
