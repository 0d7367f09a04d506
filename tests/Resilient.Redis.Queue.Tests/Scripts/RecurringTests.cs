using Resilient.Redis.Queue.Storage;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Scripts;

/// <summary>Rule R20: schedule, advance, trigger, unschedule and recurring.</summary>
public sealed class RecurringTests(BothServers servers) : ScriptTests(servers)
{
    private const long Due = Start + 5000;

    [Theory, OnBothServers]
    public async Task Tick_makes_one_job_when_it_is_due_however_often_it_is_asked_for(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await queue.Worker("idle").ClaimAsync();
        (await ScheduleAsync(queue, "a", Due)).Should().Be(new TickReply(ReplyCode.Accepted, Due));

        await queue.MoveToAsync(Due - 1);
        (await AdvanceAsync(queue, "a", Due, Due + 60_000)).Should().Be(new TickReply(ReplyCode.Already, Due), "it is not due yet");
        await queue.MoveToAsync(Due);
        (await AdvanceAsync(queue, "a", Due - 1, Due + 60_000)).Should().Be(new TickReply(ReplyCode.Already, Due), "another tick is due");
        (await AdvanceAsync(queue, "a", Due, Due)).Should().Be(new TickReply(ReplyCode.Already, Due), "time goes on only");
        (await queue.StateAsync()).Jobs.Should().BeEmpty();

        (await AdvanceAsync(queue, "a", Due, Due + 60_000)).Should().Be(new TickReply(ReplyCode.Accepted, Due + 60_000, ReplyCode.Accepted));
        (await AdvanceAsync(queue, "a", Due, Due + 60_000)).Should().Be(new TickReply(ReplyCode.Already, Due + 60_000), "as after a lost reply");

        var state = await queue.StateAsync();
        state.Waiting.Should().Equal($"a:{Due}");
        state.Idle.Should().BeEmpty("the idle worker was rung for");
        state.CheckInvariants();
        var job = (await queue.Worker("idle").ClaimAsync()).Single();
        job.Should().BeEquivalentTo(new { Name = "test", Attempt = 1, Timeout = Seconds(7) });
        job.Body.ToArray().Should().Equal(TestQueue.Job("payload").Body);
        (await queue.InspectAsync($"a:{Due}"))!.MaxAttempts.Should().Be(3);
    }

    [Theory, OnBothServers]
    public async Task Several_names_are_told_apart_in_one_call(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await ScheduleAsync(queue, "a", Due);
        await ScheduleAsync(queue, "b", Due + 1);
        await ScheduleAsync(queue, "c", Due);
        await queue.Store.UnscheduleAsync("c", default);
        await queue.MoveToAsync(Due);

        var (serverTime, replies) = await queue.Store.AdvanceAsync([Tick("a", Due, Due + 9), Tick("b", Due + 1, Due + 9), Tick("c", Due, Due + 9), Tick("d", Due, Due + 9)], default);

        serverTime.Should().Be(Due);
        replies.Select(reply => reply.Code).Should().Equal(ReplyCode.Accepted, ReplyCode.Already, ReplyCode.Ended, ReplyCode.Gone);
        (await queue.StateAsync()).Waiting.Should().Equal($"a:{Due}");
    }

    [Theory, OnBothServers]
    public async Task Tick_of_a_draining_queue_passes_without_a_job(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await ScheduleAsync(queue, "a", Due);
        await queue.Store.DrainAsync(default);
        await queue.MoveToAsync(Due);

        (await AdvanceAsync(queue, "a", Due, Due + 60_000)).Should().Be(new TickReply(ReplyCode.Accepted, Due + 60_000, ReplyCode.Draining), "else a drain would never end");
        (await queue.StateAsync()).Jobs.Should().BeEmpty();

        await queue.Store.PauseAsync(false, default);
        await queue.MoveToAsync(Due + 60_000);
        (await AdvanceAsync(queue, "a", Due + 60_000, Due + 120_000)).Made.Should().Be(ReplyCode.Accepted, "it is resumed");
    }

    [Theory, OnBothServers]
    public async Task Tick_that_is_left_out_makes_no_job(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await ScheduleAsync(queue, "a", Due);
        await queue.MoveToAsync(Due);

        (await AdvanceAsync(queue, "a", Due, Due + 9, run: false)).Should().Be(new TickReply(ReplyCode.Accepted, Due + 9));

        (await queue.StateAsync()).Jobs.Should().BeEmpty();
    }

    [Theory, OnBothServers]
    public async Task Unique_key_leaves_a_tick_out_while_the_job_before_has_not_ended(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await ScheduleAsync(queue, "a", Due, job: Job() with { UniqueKey = "one" });
        await queue.MoveToAsync(Due + 100);
        await AdvanceAsync(queue, "a", Due, Due + 9, unique: "one");

        (await AdvanceAsync(queue, "a", Due + 9, Due + 20, unique: "one")).Should().Be(new TickReply(ReplyCode.Accepted, Due + 20, ReplyCode.Duplicate));

        (await queue.StateAsync()).Waiting.Should().Equal($"a:{Due}");
        var worker = queue.Worker("me");
        await worker.SettleAsync((await worker.ClaimAsync()).Single(), new Outcome.Completed(default));
        (await AdvanceAsync(queue, "a", Due + 20, Due + 200, unique: "one")).Made.Should().Be(ReplyCode.Accepted);
        (await queue.StateAsync()).Waiting.Should().Equal($"a:{Due + 20}");
    }

    [Theory, OnBothServers]
    public async Task Same_schedule_keeps_its_tick_and_takes_over_the_job_and_another_one_begins_anew(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await ScheduleAsync(queue, "a", Due);

        (await ScheduleAsync(queue, "a", Due + 77, job: Job() with { Name = "renamed" })).Should().Be(new TickReply(ReplyCode.Accepted, Due));
        (await queue.Store.GetRecurringAsync(default)).Single().JobName.Should().Be("renamed");
        (await ScheduleAsync(queue, "a", Due + 77, cron: "other")).Should().Be(new TickReply(ReplyCode.Accepted, Due + 77));
        await queue.MoveToAsync(Due + 10);

        (await AdvanceAsync(queue, "a", Due, Due + 9)).Should().Be(new TickReply(ReplyCode.Lost, Start), "this schedule has been replaced");
        (await queue.StateAsync()).Jobs.Should().BeEmpty();
    }

    [Theory, OnBothServers]
    public async Task Name_is_taken_over_from_a_definition_that_nobody_has_any_more_and_from_no_other(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await ScheduleAsync(queue, "a", Due, cron: "theirs");

        await queue.MoveToAsync(Start + 120_000);
        (await ScheduleAsync(queue, "a", Due + 200_000, starting: false)).Should().Be(new TickReply(ReplyCode.Lost, Start));
        (await AdvanceAsync(queue, "a", 0, 0, cron: "theirs")).Code.Should().Be(ReplyCode.Already, "they live");
        await queue.MoveToAsync(Start + 240_000);
        (await ScheduleAsync(queue, "a", Due + 300_000, starting: false)).Should().Be(new TickReply(ReplyCode.Lost, Start + 120_000));

        await queue.MoveToAsync(Start + 240_001);
        (await ScheduleAsync(queue, "a", Due + 300_000, starting: false)).Should().Be(new TickReply(ReplyCode.Accepted, Due + 300_000));
    }

    [Theory, OnBothServers]
    public async Task Removed_job_comes_back_only_with_a_process_that_starts(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await ScheduleAsync(queue, "a", Due);

        (await queue.Store.UnscheduleAsync("a", default)).Should().Be(ReplyCode.Accepted);
        (await queue.Store.UnscheduleAsync("a", default)).Should().Be(ReplyCode.Gone);
        await queue.MoveToAsync(Due);

        (await AdvanceAsync(queue, "a", Due, Due + 9)).Code.Should().Be(ReplyCode.Ended);
        (await ScheduleAsync(queue, "a", Due + 9, starting: false)).Code.Should().Be(ReplyCode.Ended);
        (await queue.Store.GetRecurringAsync(default)).Should().BeEmpty();
        (await queue.StateAsync()).Jobs.Should().BeEmpty();
        (await ScheduleAsync(queue, "a", Due + 9)).Should().Be(new TickReply(ReplyCode.Accepted, Due + 9), "it begins anew");
    }

    [Theory, OnBothServers]
    public async Task Removing_what_nobody_has_any_more_leaves_nothing(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await ScheduleAsync(queue, "a", Due);
        await queue.MoveToAsync(Start + 120_001);

        (await queue.Store.UnscheduleAsync("a", default)).Should().Be(ReplyCode.Accepted);

        (await queue.Database.KeyExistsAsync([queue.Keys.Recurring, queue.Keys.Ticks])).Should().Be(0);
    }

    [Theory, OnBothServers]
    public async Task Operator_sees_what_is_registered_and_runs_it_now(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await ScheduleAsync(queue, "a", Due, job: Job() with { UniqueKey = "one" });
        await queue.MoveToAsync(Due);
        await AdvanceAsync(queue, "a", Due, Due + 9, run: false);

        (await queue.Store.GetRecurringAsync(default)).Should().ContainSingle().Which.Should().Be(new RecurringJob
        {
            Name = "a",
            Cron = "mine",
            TimeZone = "UTC",
            JobName = "test",
            NextAt = At(Due + 9),
            LastAt = At(Due),
            SeenAt = At(Due),
        });
        (await queue.Store.TriggerAsync("a", new JobId("now"), default)).Should().Be(new EnqueueAnswer(ReplyCode.Accepted, null));
        (await queue.Store.TriggerAsync("a", new JobId("now"), default)).Code.Should().Be(ReplyCode.Already);
        (await queue.Store.TriggerAsync("a", new JobId("again"), default)).Should().Be(new EnqueueAnswer(ReplyCode.Duplicate, new JobId("now")));
        (await queue.Store.TriggerAsync("b", new JobId("other"), default)).Code.Should().Be(ReplyCode.Gone);

        var state = await queue.StateAsync();
        state.Waiting.Should().Equal("now");
        state.Stat("accepted").Should().Be(1);
    }

    [Theory, OnBothServers]
    public async Task Tick_from_before_a_step_back_of_the_clock_is_not_made_again(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await ScheduleAsync(queue, "a", Due, job: Job() with { Keep = TimeSpan.Zero });
        await queue.MoveToAsync(Due);
        await AdvanceAsync(queue, "a", Due, Due + 60_000);
        var worker = queue.Worker("me");
        await worker.SettleAsync((await worker.ClaimAsync()).Single(), new Outcome.Completed(default));
        await queue.PassAsync(Seconds(60), worker);
        (await queue.StateAsync()).Jobs.Should().BeEmpty("its id is not remembered");

        await queue.MoveToAsync(Due - 900_000);
        await ScheduleAsync(queue, "a", Due, cron: "other");
        await queue.MoveToAsync(Due);

        (await AdvanceAsync(queue, "a", Due, Due + 60_000, cron: "other")).Should().Be(new TickReply(ReplyCode.Accepted, Due + 60_000));
        (await queue.StateAsync()).Jobs.Should().BeEmpty();
    }

    [Theory, OnBothServers]
    public async Task Damaged_entry_is_registered_anew(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await ScheduleAsync(queue, "a", Due);
        await ScheduleAsync(queue, "b", Due);
        await queue.Database.HashSetAsync(queue.Keys.Recurring, "a", "damaged");
        await queue.Database.HashSetAsync(queue.Keys.Ticks, "b", "damaged");

        (await queue.Store.AdvanceAsync([Tick("a", Due, Due + 9), Tick("b", Due, Due + 9)], default)).Replies.Should().OnlyContain(reply => reply.Code == ReplyCode.Gone);
        (await queue.Store.GetRecurringAsync(default)).Should().BeEmpty();
        (await queue.Store.TriggerAsync("a", new JobId("now"), default)).Code.Should().Be(ReplyCode.Gone);

        (await ScheduleAsync(queue, "a", Due + 1, starting: false)).Should().Be(new TickReply(ReplyCode.Accepted, Due + 1));
        (await ScheduleAsync(queue, "b", Due + 1, starting: false)).Should().Be(new TickReply(ReplyCode.Accepted, Due + 1));
    }

    private static DateTimeOffset At(long ms) => DateTimeOffset.FromUnixTimeMilliseconds(ms);

    private static NewJob Job() => TestQueue.Job("payload") with { MaxAttempts = 3, Timeout = Seconds(7) };

    private static Tick Tick(string name, long due, long next, bool run = true, string cron = "mine", string unique = "") => new(name, cron, "UTC", due, next, run, unique);

    private static async Task<TickReply> ScheduleAsync(TestQueue queue, string name, long first, bool starting = true, string cron = "mine", NewJob? job = null) =>
        (await queue.Store.ScheduleAsync(Tick(name, first, 0, cron: cron), job ?? Job(), starting, default)).Reply;

    private static async Task<TickReply> AdvanceAsync(TestQueue queue, string name, long due, long next, bool run = true, string cron = "mine", string unique = "") =>
        (await queue.Store.AdvanceAsync([Tick(name, due, next, run, cron, unique)], default)).Replies.Single();
}
