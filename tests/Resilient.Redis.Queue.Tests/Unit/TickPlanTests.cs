using Resilient.Redis.Queue.Recurring;

namespace Resilient.Redis.Queue.Tests.Unit;

/// <summary>What becomes of a tick that is late.</summary>
public sealed class TickPlanTests
{
    private const long Minute = 60_000;
    private const long Hour = 60 * Minute;

    private static readonly CronSchedule s_hourly = new("0 * * * *", null);
    private static readonly CronSchedule s_secondly = new("* * * * * *", null);

    [Theory]
    [InlineData(MissedTicks.RunOnce)]
    [InlineData(MissedTicks.Skip)]
    [InlineData(MissedTicks.RunAll)]
    public void Tick_that_is_late_by_up_to_a_minute_runs_and_so_does_the_one_after_it(MissedTicks policy)
    {
        TickPlan.Of(s_hourly, policy, Hour, Hour).Should().Be(new TickPlan(true, 2 * Hour, false));
        TickPlan.Of(s_hourly, policy, Hour, Hour + Minute).Should().Be(new TickPlan(true, 2 * Hour, false));
        TickPlan.Of(s_secondly, policy, 5000, 9500).Should().Be(new TickPlan(true, 6000, false));
    }

    [Fact]
    public void Missed_ticks_make_one_job_or_none_or_one_each()
    {
        var now = 5 * Hour + 2 * Minute;

        TickPlan.Of(s_hourly, MissedTicks.RunOnce, Hour, now).Should().Be(new TickPlan(true, 6 * Hour, true));
        TickPlan.Of(s_hourly, MissedTicks.Skip, Hour, now).Should().Be(new TickPlan(false, 6 * Hour, true));
        TickPlan.Of(s_hourly, MissedTicks.RunAll, Hour, now).Should().Be(new TickPlan(true, 2 * Hour, true));
    }

    [Fact]
    public void Only_tick_that_was_missed_counts_too()
    {
        TickPlan.Of(s_hourly, MissedTicks.Skip, Hour, Hour + Minute + 1).Should().Be(new TickPlan(false, 2 * Hour, true));
        TickPlan.Of(s_hourly, MissedTicks.RunOnce, Hour, Hour + Minute + 1).Should().Be(new TickPlan(true, 2 * Hour, true));
    }

    [Fact]
    public void No_more_than_a_thousand_or_so_are_made_up()
    {
        var now = 30 * 24 * Hour;
        var (due, made) = (1000L, 0);
        while (due <= now)
        {
            var plan = TickPlan.Of(s_secondly, MissedTicks.RunAll, due, now);
            plan.Next.Should().BeGreaterThan(due);
            (due, made) = (plan.Next, made + 1);
        }

        made.Should().BeInRange(TickPlan.MostMadeUp, TickPlan.MostMadeUp + 2);
    }
}
