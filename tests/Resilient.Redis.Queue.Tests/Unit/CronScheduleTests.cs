using System.Globalization;
using Resilient.Redis.Queue.Recurring;

namespace Resilient.Redis.Queue.Tests.Unit;

/// <summary>When a recurring job ticks, in a zone that saves daylight, and what is refused.</summary>
public sealed class CronScheduleTests
{
    private static readonly TimeZoneInfo s_berlin = TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin");

    /// <summary>On 29 March 2026 Berlin goes from 02:00 to 03:00, on 25 October from 03:00 back to 02:00.</summary>
    [Theory]
    [InlineData("30 2 * * *", "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z 2026-03-30T00:30:00Z 2026-03-31T00:30:00Z")] // left out: when the gap ends
    [InlineData("*/30 * * * *", "2026-03-29T00:10:00Z", "2026-03-29T00:30:00Z 2026-03-29T01:00:00Z 2026-03-29T01:30:00Z")] // no tick is left out, none comes twice
    [InlineData("30 2 * * *", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z 2026-10-26T01:30:00Z")] // twice on the wall, once here
    [InlineData("*/30 * * * *", "2026-10-25T00:10:00Z", "2026-10-25T00:30:00Z 2026-10-25T01:00:00Z 2026-10-25T01:30:00Z 2026-10-25T02:00:00Z")] // an interval goes on
    public void Daylight_saving_leaves_no_tick_out_and_makes_none_twice(string cron, string from, string ticks)
    {
        var schedule = new CronSchedule(cron, s_berlin);
        var moment = Ms(from);
        foreach (var tick in ticks.Split(' '))
            DateTimeOffset.FromUnixTimeMilliseconds(moment = schedule.NextAfter(moment)).Should().Be(DateTimeOffset.Parse(tick, CultureInfo.InvariantCulture));
        schedule.Zone.Should().Be("Europe/Berlin");
    }

    [Fact]
    public void Six_fields_begin_with_the_second_and_the_zone_is_utc_by_default()
    {
        var schedule = new CronSchedule("  */10 *  * * * * ", null);

        schedule.Should().BeEquivalentTo(new { Cron = "*/10 * * * * *", Zone = "UTC" });
        schedule.NextAfter(10_000).Should().Be(20_000);
        schedule.NextAfter(10_001).Should().Be(20_000);
    }

    [Theory]
    [InlineData("60 * * * *", "*'60 \\* \\* \\* \\*' cannot be read*minute*five fields*")]
    [InlineData("* * * *", "*cannot be read*five fields*six*")]
    [InlineData("", "*cannot be read*")]
    [InlineData("0 0 30 2 *", "*never comes*")]
    public void What_cannot_be_meant_is_refused_with_the_reason(string cron, string message) =>
        FluentActions.Invoking(() => new CronSchedule(cron, null)).Should().Throw<ArgumentException>().WithMessage(message.Replace("\\*", "?", StringComparison.Ordinal));

    private static long Ms(string moment) => DateTimeOffset.Parse(moment, CultureInfo.InvariantCulture).ToUnixTimeMilliseconds();
}
