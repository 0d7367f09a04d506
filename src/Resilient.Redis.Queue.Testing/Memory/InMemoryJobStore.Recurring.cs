using Resilient.Redis.Queue.Storage;

namespace Resilient.Redis.Queue.Testing.Memory;

/// <summary>Recurring jobs (rule R20). As Scripts/_recurring.lua and its verbs.</summary>
internal sealed partial class InMemoryJobStore
{
    private const long SeenStep = 10_000; // looks closer together are not written down
    private const long AbandonedAfter = 120_000;

    public override ValueTask<(long ServerTime, TickReply Reply)> ScheduleAsync(Tick schedule, NewJob job, bool starting, CancellationToken cancellationToken) =>
        WriteAsync(() => (Now, Schedule(schedule, job, starting)), cancellationToken);

    public override ValueTask<(long ServerTime, TickReply[] Replies)> AdvanceAsync(IReadOnlyList<Tick> ticks, CancellationToken cancellationToken) =>
        WriteAsync(() => (Now, Advance(ticks)), cancellationToken);

    public override ValueTask<EnqueueAnswer> TriggerAsync(string name, JobId id, CancellationToken cancellationToken) =>
        WriteAsync(() => Trigger(name, id), cancellationToken);

    public override ValueTask<ReplyCode> UnscheduleAsync(string name, CancellationToken cancellationToken) => WriteAsync(() => Unschedule(name), cancellationToken);

    public override ValueTask<RecurringJob[]> GetRecurringAsync(CancellationToken cancellationToken) => ReadAsync(
        static data => data.Recurring.Where(entry => data.Ticks.ContainsKey(entry.Key)).Select(entry => new RecurringJob
        {
            Name = entry.Key,
            Cron = entry.Value.Cron,
            TimeZone = entry.Value.Zone,
            JobName = entry.Value.Job.Name,
            NextAt = DateTimeOffset.FromUnixTimeMilliseconds(data.Ticks[entry.Key].Due),
            LastAt = Moment(data.Ticks[entry.Key].Last),
            SeenAt = DateTimeOffset.FromUnixTimeMilliseconds(data.Ticks[entry.Key].Seen),
        }).ToArray(),
        cancellationToken);

    private TickReply Schedule(Tick schedule, NewJob job, bool starting)
    {
        var (known, tick) = (_data.Recurring.GetValueOrDefault(schedule.Name), _data.Ticks.GetValueOrDefault(schedule.Name));
        var same = known is not null && known.Is(schedule);
        if (!starting && tick is not null)
        {
            if (tick.IsRemoved)
                return new(ReplyCode.Ended, 0);
            if (known is not null && !same && Math.Abs(Now - tick.Seen) <= AbandonedAfter)
                return new(ReplyCode.Lost, tick.Seen);
        }

        var due = same && tick is { IsRemoved: false } ? tick.Due : schedule.Due;
        _data.Recurring[schedule.Name] = new StoredSchedule(schedule.Cron, schedule.Zone, job with { Delay = TimeSpan.Zero });
        _data.Ticks[schedule.Name] = new StoredTick(due, Now, tick?.Last ?? 0, false);
        return new(ReplyCode.Accepted, due);
    }

    private TickReply[] Advance(IReadOnlyList<Tick> ticks)
    {
        var arriving = new Arriving(_data, Now);
        var changed = new Dictionary<string, StoredTick>(StringComparer.Ordinal);
        TickReply[] replies = [.. ticks.Select(tick => Look(tick, arriving, changed))];
        Store(arriving);
        foreach (var (name, tick) in changed)
            _data.Ticks[name] = tick;
        if (arriving.Rings)
            _data.Ring();
        return replies;
    }

    private TickReply Look(Tick asked, Arriving arriving, Dictionary<string, StoredTick> changed)
    {
        var (known, tick) = (_data.Recurring.GetValueOrDefault(asked.Name), _data.Ticks.GetValueOrDefault(asked.Name));
        if (tick is { IsRemoved: true })
            return new(ReplyCode.Ended, 0);
        if (known is null || tick is null)
            return new(ReplyCode.Gone, 0);
        if (!known.Is(asked))
            return new(ReplyCode.Lost, tick.Seen);

        var isDue = tick.Due == asked.Due && asked.Due <= Now && asked.Next > asked.Due;
        ReplyCode? made = null;
        if (isDue)
        {
            // Not again a tick from before a step back of the clock, when the schedule was begun anew since.
            if (asked.Run && asked.Due > tick.Last)
                made = _data.IsDraining ? ReplyCode.Draining : arriving.Examine(known.Job with { Id = asked.JobId }).Code;
            tick = tick with { Due = asked.Next, Last = Math.Max(tick.Last, asked.Due) };
        }

        if (isDue || Math.Abs(Now - tick.Seen) >= SeenStep)
            changed[asked.Name] = tick with { Seen = Now };
        return new(isDue ? ReplyCode.Accepted : ReplyCode.Already, tick.Due, made);
    }

    private EnqueueAnswer Trigger(string name, JobId id)
    {
        if (_data.Recurring.GetValueOrDefault(name) is not { Job: var job })
            return new(ReplyCode.Gone, null);

        var arriving = new Arriving(_data, Now);
        var least = TimeSpan.FromMilliseconds(QueueData.Repeatable);
        var answer = arriving.Examine(job with { Id = id, Keep = job.Keep > least ? job.Keep : least });
        Store(arriving);
        if (arriving.Rings)
            _data.Ring();
        return answer;
    }

    private ReplyCode Unschedule(string name)
    {
        if (!_data.Recurring.Remove(name))
            return ReplyCode.Gone;
        if (_data.Ticks.GetValueOrDefault(name) is { } tick && Math.Abs(Now - tick.Seen) <= AbandonedAfter)
            _data.Ticks[name] = tick with { IsRemoved = true };
        else
            _data.Ticks.Remove(name); // nobody is left who could bring it back
        return ReplyCode.Accepted;
    }
}
