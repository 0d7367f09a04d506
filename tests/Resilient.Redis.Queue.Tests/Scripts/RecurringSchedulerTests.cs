using Microsoft.Extensions.Time.Testing;
using Resilient.Redis.Queue.Recurring;
using Resilient.Redis.Queue.Storage;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Scripts;

/// <summary>Schedulers as in processes of their own, under a server clock that the test moves: outages, deployments, daylight saving, a clock that is stepped.</summary>
public sealed class RecurringSchedulerTests(BothServers servers) : ScriptTests(servers), IDisposable
{
    private const long Minute = 60_000;
    private const long Hour = 60 * Minute;

    private readonly CollectedLogs _logs = new();
    private readonly FakeTimeProvider _time = new();

    public void Dispose() => _logs.Dispose();

    [Theory, OnBothServers]
    public async Task Many_schedulers_make_one_job_a_tick(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        RecurringScheduler[] processes = [Process(queue, "* * * * *"), Process(queue, "* * * * *"), Process(queue, "* * * * *")];

        for (var passed = 0; passed < 5 * Minute; passed += 20_000)
        {
            await Task.WhenAll(processes.Select(process => process.RoundAsync(default)));
            await PassAsync(queue, 20_000);
        }

        // Start is 16 min 40 s after 1970.
        await JobsAreAsync(queue, [17 * Minute, 18 * Minute, 19 * Minute, 20 * Minute, 21 * Minute]);
    }

    [Theory]
    [InlineData(MissedTicks.RunOnce, "2")]
    [InlineData(MissedTicks.Skip, "")]
    [InlineData(MissedTicks.RunAll, "2 3 4 5")]
    public async Task Ticks_that_nobody_was_there_for_are_dealt_with_as_asked(MissedTicks missed, string hours)
    {
        var queue = await QueueAsync(Kind);
        var before = Process(queue, "0 * * * *", missed);
        await before.RoundAsync(default);
        await PassAsync(queue, Hour - Start);
        await before.RoundAsync(default);
        await JobsAreAsync(queue, [Hour]);

        await PassAsync(queue, 4 * Hour + 30 * Minute);
        var after = Process(queue, "0 * * * *", missed);
        for (var i = 0; i < 6; i++)
            await after.RoundAsync(default);

        await JobsAreAsync(queue, [Hour, .. hours.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(hour => long.Parse(hour, System.Globalization.CultureInfo.InvariantCulture) * Hour)]);
        Events(265).Should().HaveCount(hours.Length == 0 ? 1 : hours.Split(' ').Length);
        (await queue.Store.GetRecurringAsync(default)).Single().NextAt.Should().Be(DateTimeOffset.FromUnixTimeMilliseconds(6 * Hour));
    }

    [Fact]
    public async Task Clock_that_is_stepped_by_an_hour_either_way_makes_no_tick_twice_and_loses_none()
    {
        var queue = await QueueAsync(Kind);
        var process = Process(queue, "*/30 * * * *", MissedTicks.RunAll);
        await process.RoundAsync(default);
        async Task StepAsync(long by)
        {
            await queue.MoveToAsync(queue.Now + by);
            for (var i = 0; i < 4; i++)
            {
                _time.Advance(Seconds(20));
                await process.RoundAsync(default);
            }
        }

        await StepAsync(Hour);
        await JobsAreAsync(queue, [Hour / 2, Hour]);
        await StepAsync(-Hour);
        await StepAsync(Hour / 2);
        await JobsAreAsync(queue, [Hour / 2, Hour], "they have been made before the step back");
        await StepAsync(Hour);
        await JobsAreAsync(queue, [Hour / 2, Hour, 3 * Hour / 2]);
        (await queue.StateAsync()).CheckInvariants();
    }

    [Fact]
    public async Task Daylight_saving_makes_one_job_a_day_in_spring_and_in_autumn()
    {
        var queue = await QueueAsync(Kind);
        DateTimeOffset[] expected =
        [
            new(2026, 3, 28, 1, 30, 0, default), new(2026, 3, 29, 1, 0, 0, default), new(2026, 3, 30, 0, 30, 0, default),
            new(2026, 10, 24, 0, 30, 0, default), new(2026, 10, 25, 0, 30, 0, default), new(2026, 10, 26, 1, 30, 0, default),
        ];
        var process = Process(queue, "30 2 * * *", MissedTicks.RunAll, zone: "Europe/Berlin");
        await queue.MoveToAsync(new DateTimeOffset(2026, 3, 28, 0, 0, 0, default).ToUnixTimeMilliseconds());
        await process.RoundAsync(default);
        await HoursAsync(queue, process, 3 * 24);
        await queue.Store.UnscheduleAsync("a", default);
        await queue.MoveToAsync(new DateTimeOffset(2026, 10, 24, 0, 0, 0, default).ToUnixTimeMilliseconds());
        var again = Process(queue, "30 2 * * *", MissedTicks.RunAll, zone: "Europe/Berlin");
        await again.RoundAsync(default);
        await HoursAsync(queue, again, 3 * 24);

        await JobsAreAsync(queue, expected.Select(tick => tick.ToUnixTimeMilliseconds()));
    }

    [Fact]
    public async Task Deployment_with_another_schedule_runs_the_one_that_started_last_and_does_not_flap()
    {
        var queue = await QueueAsync(Kind);
        var old = Process(queue, "0 * * * *");
        await old.RoundAsync(default);
        var fresh = Process(queue, "30 * * * *");
        await fresh.RoundAsync(default);

        for (var passed = 0L; passed < 3 * Hour; passed += 20_000)
        {
            await PassAsync(queue, 20_000);
            await old.RoundAsync(default);
            await fresh.RoundAsync(default);
        }

        await JobsAreAsync(queue, [Hour / 2, 3 * Hour / 2, 5 * Hour / 2]);
        Events(261).Should().ContainSingle().Which.Should().Contain("0 * * * *");

        // Rolled back: the new one is gone, and the old one takes over from then, without what it missed.
        for (var passed = 0L; passed < 2 * Hour; passed += 20_000)
        {
            await PassAsync(queue, 20_000);
            await old.RoundAsync(default);
        }

        await JobsAreAsync(queue, [Hour / 2, 3 * Hour / 2, 5 * Hour / 2, 4 * Hour, 5 * Hour]);
        Events(261).Should().ContainSingle();
    }

    [Fact]
    public async Task Removed_job_stays_removed_and_one_that_redis_has_lost_comes_back()
    {
        var queue = await QueueAsync(Kind);
        var process = Process(queue, "0 * * * *");
        await process.RoundAsync(default);

        await queue.Database.KeyDeleteAsync([queue.Keys.Recurring, queue.Keys.Ticks]);
        await PassAsync(queue, 20_000);
        await process.RoundAsync(default);
        (await queue.Store.GetRecurringAsync(default)).Should().ContainSingle();

        await queue.Store.UnscheduleAsync("a", default);
        for (var passed = 0; passed < 2 * Hour; passed += 20_000)
        {
            await PassAsync(queue, 20_000);
            await process.RoundAsync(default);
        }

        await JobsAreAsync(queue, []);
        (await queue.Store.GetRecurringAsync(default)).Should().BeEmpty();
        Events(262).Should().ContainSingle();
    }

    private static ServerKind Kind => RedisServer.IsInstalled ? ServerKind.RedisServer : ServerKind.Garnet;

    private RecurringScheduler Process(TestQueue queue, string cron, MissedTicks missed = MissedTicks.RunOnce, string zone = "UTC")
    {
        var definition = RecurringDefinition.Of("a", cron, "job", TimeZoneInfo.FindSystemTimeZoneById(zone), missed, null);
        return new RecurringScheduler(queue.Store, [new RecurringEntry(definition, TestQueue.Job("payload", keep: TimeSpan.FromDays(1)))], _time, _logs.CreateLogger("recurring"));
    }

    private async Task PassAsync(TestQueue queue, long ms)
    {
        _time.Advance(TimeSpan.FromMilliseconds(ms));
        await queue.MoveToAsync(queue.Now + ms);
    }

    private async Task HoursAsync(TestQueue queue, RecurringScheduler process, int count)
    {
        for (var i = 0; i < count; i++)
        {
            await PassAsync(queue, Hour);
            await process.RoundAsync(default);
        }
    }

    private string[] Events(int id) => [.. _logs.Lines.Where(line => line.EventId.Id == id).Select(line => line.Message)];

    private static async Task JobsAreAsync(TestQueue queue, IEnumerable<long> ticks, string because = "") =>
        (await queue.StateAsync()).Waiting.Should().Equal(ticks.Select(tick => $"a:{tick}"), because);
}
