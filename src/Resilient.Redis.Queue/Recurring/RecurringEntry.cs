using Resilient.Redis.Queue.Storage;

namespace Resilient.Redis.Queue.Recurring;

/// <summary>How one recurring job of this process stands in Redis, as far as this process knows.</summary>
internal sealed class RecurringEntry(RecurringDefinition definition, NewJob job)
{
    /// <summary>A tick is asked for this much after its time, since the clock here is only nearly Redis's.</summary>
    private const long Margin = 2;

    private long _at;

    public string Name => definition.Name;

    public CronSchedule Schedule => definition.Schedule;

    public NewJob Job => job;

    /// <summary>Whether this process has not registered it yet.</summary>
    public bool IsStarting { get; set; } = true;

    /// <summary>Accepted: this definition counts; Lost: another one of this name does; Ended: an operator removed it; Gone: Redis does not have it.</summary>
    public ReplyCode Standing { get; private set; } = ReplyCode.Gone;

    /// <summary>Server time in ms.</summary>
    public long WakeAt => Standing switch
    {
        ReplyCode.Accepted => _at + Margin,
        ReplyCode.Gone => 0,
        _ => long.MaxValue,
    };

    public bool MayRegister(long now) =>
        IsStarting || Standing == ReplyCode.Gone || (Standing == ReplyCode.Lost && Math.Abs(now - _at) > (long)RecurringScheduler.AbandonedAfter.TotalMilliseconds);

    public bool IsDue(long now) => Standing == ReplyCode.Accepted && _at <= now;

    public Tick First(long now) => new(Name, Schedule.Cron, Schedule.Zone, Schedule.NextAfter(now));

    /// <summary>Null when it is not due: then Redis is only asked.</summary>
    public TickPlan? Plan(long now) => IsDue(now) ? TickPlan.Of(Schedule, definition.Missed, _at, now) : null;

    public Tick TickOf(TickPlan? plan) => new(
        Name, Schedule.Cron, Schedule.Zone, Standing == ReplyCode.Accepted ? _at : 0, plan?.Next ?? 0, plan?.Run ?? false, job.UniqueKey);

    public void Answered(TickReply reply)
    {
        Standing = reply.Code == ReplyCode.Already ? ReplyCode.Accepted : reply.Code;
        _at = reply.At;
    }
}
