namespace Resilient.Redis.Queue.Recurring;

/// <summary>What to do about a tick that is due.</summary>
/// <param name="Run">Whether to make its job.</param>
/// <param name="Next">The tick to go on with, ms since 1970; always a later one.</param>
/// <param name="IsMissed">Whether nobody was there for it.</param>
internal readonly record struct TickPlan(bool Run, long Next, bool IsMissed)
{
    /// <summary>The most missed ticks that <see cref="MissedTicks.RunAll"/> makes up.</summary>
    public const int MostMadeUp = 1000;

    /// <summary>A hiccup of a second must not cost a tick of a schedule that ticks each second.</summary>
    public static readonly TimeSpan MissedAfter = TimeSpan.FromMinutes(1);

    public static TickPlan Of(CronSchedule schedule, MissedTicks policy, long due, long now)
    {
        if (now - due <= (long)MissedAfter.TotalMilliseconds)
            return new(Run: true, schedule.NextAfter(due), IsMissed: false);
        return policy switch
        {
            MissedTicks.Skip => new(Run: false, schedule.NextAfter(now), IsMissed: true),
            MissedTicks.RunAll => new(Run: true, NextOfMany(schedule, due, now), IsMissed: true),
            _ => new(Run: true, schedule.NextAfter(now), IsMissed: true),
        };
    }

    /// <summary>The next one, or, where more are behind than are made up, the first of about as many.</summary>
    private static long NextOfMany(CronSchedule schedule, long due, long now)
    {
        var tick = due;
        for (var i = 0; i < MostMadeUp; i++)
        {
            tick = schedule.NextAfter(tick);
            if (tick > now)
                return schedule.NextAfter(due);
        }

        return schedule.NextAfter(now - (tick - due));
    }
}
