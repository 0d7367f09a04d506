using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Integration;

/// <summary>Recurring jobs as a user registers them, by the server's own clock.</summary>
public sealed class RecurringTests(BothServers servers) : QueueTestBase(servers)
{
    private const string EachSecond = "* * * * * *";

    [Theory, OnBothServers]
    public async Task Three_workers_make_one_job_a_second_and_those_that_stay_go_on_without_the_one_that_dies(ServerKind kind)
    {
        await using var first = await StartWorkerAsync(kind);
        await using var second = await StartWorkerAsync(kind);
        await using (await StartWorkerAsync(kind))
            await Eventually.TrueAsync(() => Script.Runs.Count >= 4, Soon);
        var before = Script.Runs.Count;
        await Eventually.TrueAsync(() => Script.Runs.Count >= before + 4, Soon);

        string[] ids = [.. Script.Runs.Select(run => run.Id.Value)];
        ids.Should().OnlyHaveUniqueItems();
        long[] ticks = [.. ids.Select(id => long.Parse(id["tick:".Length..], System.Globalization.CultureInfo.InvariantCulture)).Order()];
        ticks.Should().Equal(Enumerable.Range(0, ticks.Length).Select(i => ticks[0] + 1000 * i), "each second has its job");
        Script.Runs.Should().OnlyContain(run => run.What == "recurring" && run.Attempt == 1);
        first.Logs.Lines.Count(line => line.EventId.Id == 260).Should().Be(1);
    }

    [Theory, OnBothServers]
    public async Task Operator_runs_one_now_and_removes_it(ServerKind kind)
    {
        await using var host = await StartWithAsync(kind, queue => queue
            .AddHandler<DoJob, DoHandler>().AddWorker()
            .AddRecurring("yearly", "0 0 1 1 *", new DoJob("recurring"), TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin")));
        await Eventually.TrueAsync(async () => (await host.Admin.GetRecurringAsync()).Count == 1, Soon);

        var recurring = (await host.Admin.GetRecurringAsync()).Single();
        recurring.Should().BeEquivalentTo(new { Name = "yearly", Cron = "0 0 1 1 *", TimeZone = "Europe/Berlin", JobName = "test.do", LastAt = (DateTimeOffset?)null });
        recurring.NextAt.Should().BeAfter(DateTimeOffset.UnixEpoch.AddYears(50)).And.Subject!.Value.ToString("MM-dd HH:mm", System.Globalization.CultureInfo.InvariantCulture).Should().Be("12-31 23:00");
        var result = await host.Admin.TriggerRecurringAsync("yearly");
        result!.Value.Created.Should().BeTrue();
        await StateAsync(host, result.Value.Id, JobState.Completed);
        (await host.Admin.TriggerRecurringAsync("monthly")).Should().BeNull();
        (await host.Admin.RemoveRecurringAsync("yearly")).Should().BeTrue();
        (await host.Admin.RemoveRecurringAsync("yearly")).Should().BeFalse();
        (await host.Admin.GetRecurringAsync()).Should().BeEmpty();
    }

    [Fact]
    public void What_cannot_be_meant_is_refused_at_registration_and_named()
    {
        var queue = new ServiceCollection().AddResilientRedis().AddQueue("test").AddRecurring("a", EachSecond, new DoJob("x"));

        Refused(q => q.AddRecurring("b", "61 * * * *", new DoJob("x"))).WithMessage("*'b'*'61 * * * *'*");
        Refused(q => q.AddRecurring("b b", EachSecond, new DoJob("x"))).WithMessage("*'b b'*");
        Refused(q => q.AddRecurring("b", EachSecond, new DoJob("x"), options: new() { Delay = TimeSpan.FromSeconds(1) })).WithMessage("*'b'*Delay*");
        Refused(q => q.AddRecurring("b", EachSecond, new DoJob("x"), options: new() { MaxAttempts = 0 })).WithMessage("*MaxAttempts*");
        queue.Invoking(q => q.AddRecurring("a", EachSecond, new DoJob("x"))).Should().Throw<InvalidOperationException>().WithMessage("*two recurring jobs 'a'*");

        FluentAssertions.Specialized.ExceptionAssertions<ArgumentException> Refused(Action<IJobQueueBuilder> register) => queue.Invoking(register).Should().Throw<ArgumentException>();
    }

    [Theory, OnBothServers]
    public async Task Job_that_cannot_be_written_stops_the_start(ServerKind kind)
    {
        var starting = () => StartWithAsync(kind, queue => queue.AddRecurring("a", EachSecond, new DoJob(new string('x', 2000))), o => o.MaxPayloadBytes = 1024);

        await starting.Should().ThrowAsync<JobTooLargeException>();
    }

    private Task<QueueHost> StartWorkerAsync(ServerKind kind) => StartWithAsync(kind, queue => queue
        .AddHandler<DoJob, DoHandler>().AddWorker().AddRecurring("tick", EachSecond, new DoJob("recurring")));
}
