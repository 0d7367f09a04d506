using Microsoft.Extensions.DependencyInjection;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Integration;

/// <summary>What a handler can do, and what becomes of its job.</summary>
public sealed class WorkerTests(BothServers servers) : QueueTestBase(servers)
{
    [Theory, OnBothServersAndInMemory]
    public async Task Job_is_run_and_its_result_reaches_the_caller(ServerKind kind)
    {
        await using var host = await StartAsync(kind);
        string? tenant = null;
        Script.Do = (job, context, _) =>
        {
            tenant = context.Headers["tenant"];
            context.SetResult(job.What.Length);
            return Task.CompletedTask;
        };

        var enqueued = await host.Queue.EnqueueAsync(new DoJob("four"), new() { Headers = new Dictionary<string, string> { ["tenant"] = "ä" } });

        enqueued.Created.Should().BeTrue();
        (await host.Queue.WaitForResultAsync<int>(enqueued.Id, Soon)).Should().Be(4);
        tenant.Should().Be("ä");
        var job = (await host.Queue.GetAsync(enqueued.Id))!;
        job.State.Should().Be(JobState.Completed);
        job.Attempt.Should().Be(1);
        job.JobName.Should().Be("test.do");
        job.EndedAt.Should().BeOnOrAfter(job.EnqueuedAt);
        (await host.Admin.CountAsync()).Should().BeEquivalentTo(new { Waiting = 0, Active = 0, TotalAccepted = 1, TotalCompleted = 1, TotalLost = 0 });
    }

    [Theory, OnBothServersAndInMemory]
    public async Task Failing_job_is_tried_again_after_a_pause_and_then_is_dead_with_its_reason(ServerKind kind)
    {
        await using var host = await StartAsync(kind, options: o => o.MaxAttempts = 3);
        Script.Do = (_, _, _) => throw new InvalidOperationException("no such model");

        var (id, _) = await host.Queue.EnqueueAsync(new DoJob("x"));

        var failed = await FluentActions.Awaiting(() => host.Queue.WaitForResultAsync<int>(id, Soon)).Should().ThrowAsync<JobFailedException>();
        failed.Which.State.Should().Be(JobState.Dead);
        failed.Which.Reason.Should().Contain("no such model");
        Script.Runs.Select(run => run.Attempt).Should().Equal(1, 2, 3);
        Script.Runs.Select(run => run.Token).Should().BeInAscendingOrder().And.OnlyHaveUniqueItems();
        host.Logs.Lines.Should().ContainSingle(line => line.EventId.Id == 203).Which.Message.Should().Contain(id.Value);
    }

    [Theory, OnBothServersAndInMemory]
    public async Task Handler_that_gives_up_makes_the_job_dead_at_once(ServerKind kind)
    {
        await using var host = await StartAsync(kind);
        Script.Do = (_, _, _) => throw new JobDeadException("The row is empty.");

        var (id, _) = await host.Queue.EnqueueAsync(new DoJob("x"));

        var job = await StateAsync(host, id, JobState.Dead);
        job.Error.Should().Be("The row is empty.");
        Script.Runs.Should().ContainSingle();
    }

    [Theory, OnBothServersAndInMemory]
    public async Task Handler_that_puts_a_job_off_spends_neither_attempt_nor_delivery(ServerKind kind)
    {
        await using var host = await StartAsync(kind, options: o => (o.MaxAttempts, o.MaxDeliveries) = (1, 1));
        Script.Do = (_, _, _) => Script.Runs.Count < 4 ? throw new JobRetryException(TimeSpan.FromMilliseconds(20)) : Task.CompletedTask;

        var (id, _) = await host.Queue.EnqueueAsync(new DoJob("x"));

        var job = await StateAsync(host, id, JobState.Completed);
        job.Attempt.Should().Be(1);
        job.Lapses.Should().Be(0);
        Script.Runs.Select(run => run.Attempt).Should().Equal(1, 1, 1, 1);
    }

    [Theory, OnBothServersAndInMemory]
    public async Task Delayed_job_is_scheduled_and_runs_when_it_is_due(ServerKind kind)
    {
        await using var host = await StartAsync(kind);

        var (id, _) = await host.Queue.EnqueueAsync(new DoJob("x"), new() { Delay = TimeSpan.FromMilliseconds(700) });

        var scheduled = (await host.Queue.GetAsync(id))!;
        scheduled.State.Should().Be(JobState.Scheduled);
        scheduled.DueAt.Should().BeCloseTo(scheduled.EnqueuedAt.AddMilliseconds(700), TimeSpan.FromMilliseconds(1));
        var done = await StateAsync(host, id, JobState.Completed);
        // An idle worker looks every two seconds; it was rung for the new due time, so it comes long before.
        (done.EndedAt - scheduled.DueAt).Should().BePositive().And.BeLessThan(TimeSpan.FromSeconds(1));
    }

    [Theory, OnBothServersAndInMemory]
    public async Task Job_nobody_here_knows_waits_for_a_worker_that_does(ServerKind kind)
    {
        await using var producer = await StartProducerAsync(kind);
        var (id, _) = await producer.Queue.EnqueueAsync(new DoJob("x"));
        await using (await StartWithAsync(kind, queue => queue.AddHandler<OtherJob, OtherHandler>().AddWorker()))
        {
            await Eventually.TrueAsync(async () => (await producer.Queue.GetAsync(id))!.Lapses > 0, Soon);
            (await producer.Queue.GetAsync(id))!.Error.Should().Contain("test.do").And.Contain(nameof(OtherJob));
        }

        await using var newer = await StartAsync(kind);

        (await StateAsync(producer, id, JobState.Completed)).Attempt.Should().Be(1);
    }

    [Theory, OnBothServersAndInMemory]
    public async Task Payload_that_cannot_be_read_is_dead_and_stops_nobody(ServerKind kind)
    {
        await using var host = await StartWithAsync(kind, queue => queue.AddHandler<DoJob, DoHandler>().AddHandler<OtherJob, OtherHandler>("other").AddWorker());
        await using var producer = await StartProducerAsync(kind);

        // A producer that gives the name to a type of another shape.
        await using var wrong = await StartWithAsync(kind, queue => queue.AddHandler<WrongShape, WrongHandler>("other"));
        var (bad, _) = await wrong.Queue.EnqueueAsync(new WrongShape("seven"));
        var (good, _) = await producer.Queue.EnqueueAsync(new DoJob("x"));

        (await StateAsync(producer, good, JobState.Completed)).Attempt.Should().Be(1);
        (await StateAsync(producer, bad, JobState.Dead)).Error.Should().Contain("cannot be read");
    }

    [Theory, OnBothServersAndInMemory]
    public async Task Job_whose_own_constructor_refuses_the_payload_is_dead_and_costs_no_slot(ServerKind kind)
    {
        await using var host = await StartWithAsync(kind, queue =>
            queue.AddHandler<PickyJob, PickyHandler>("picky").AddHandler<DoJob, DoHandler>().AddWorker(o => o.Concurrency = 1));
        await using var producer = await StartWithAsync(kind, queue => queue.AddHandler<LooseJob, LooseHandler>("picky"));

        List<JobId> bad = [];
        for (var i = 0; i < 3; i++)
            bad.Add((await producer.Queue.EnqueueAsync(new LooseJob(-1))).Id);
        var (good, _) = await host.Queue.EnqueueAsync(new DoJob("x"));

        foreach (var id in bad)
            (await StateAsync(host, id, JobState.Dead)).Error.Should().Contain("cannot be read").And.Contain("mass");
        await StateAsync(host, good, JobState.Completed);
    }

    [Theory, OnBothServersAndInMemory]
    public async Task Caller_that_waited_long_enough_is_told_how_the_job_stands(ServerKind kind)
    {
        await using var producer = await StartProducerAsync(kind);
        var (id, _) = await producer.Queue.EnqueueAsync(new DoJob("x"));

        var thrown = await FluentActions.Awaiting(() => producer.Queue.WaitForResultAsync<int>(id, TimeSpan.FromMilliseconds(200)))
            .Should().ThrowAsync<TimeoutException>();

        thrown.Which.Message.Should().Contain("is still Waiting");
    }

    [Theory, OnBothServersAndInMemory]
    public async Task Result_that_is_too_large_is_dead_with_the_setting_to_change(ServerKind kind)
    {
        await using var host = await StartAsync(kind, options: o => o.MaxPayloadBytes = 2000);
        Script.Do = (_, context, _) =>
        {
            context.SetResult(new string('x', 3000));
            return Task.CompletedTask;
        };

        var (id, _) = await host.Queue.EnqueueAsync(new DoJob("x"));

        (await StateAsync(host, id, JobState.Dead)).Error.Should().Contain("MaxPayloadBytes");
    }

    [Theory, OnBothServersAndInMemory]
    public async Task Exception_whose_text_throws_fails_the_attempt_like_any_other(ServerKind kind)
    {
        await using var host = await StartAsync(kind, options: o => o.MaxAttempts = 1);
        Script.Do = (_, _, _) => throw new Unspeakable();

        var (id, _) = await host.Queue.EnqueueAsync(new DoJob("x"));

        (await StateAsync(host, id, JobState.Dead)).Error.Should().Contain(nameof(Unspeakable));
    }

    [Theory, OnBothServersAndInMemory]
    public async Task No_more_handlers_run_at_once_than_asked_for_and_each_has_a_scope_of_its_own(ServerKind kind)
    {
        var scopes = new HashSet<ScopedThing>();
        var (running, most) = (0, 0);
        await using var host = await StartWithAsync(kind, queue =>
        {
            queue.Services.AddScoped<ScopedThing>();
            queue.Services.AddSingleton<Action<ScopedThing>>(thing => { lock (scopes) scopes.Add(thing); });
            queue.AddHandler<OtherJob, OtherHandler>().AddHandler<DoJob, DoHandler>().AddWorker(o => (o.Concurrency, o.Prefetch) = (3, 5));
        });
        Script.Do = async (_, _, token) =>
        {
            var now = Interlocked.Increment(ref running);
            lock (scopes)
                most = Math.Max(most, now);
            await Task.Delay(20, token);
            Interlocked.Decrement(ref running);
        };

        var ids = new List<JobId>();
        for (var i = 0; i < 20; i++)
            ids.Add((await host.Queue.EnqueueAsync(new DoJob($"{i}"))).Id);
        for (var i = 0; i < 5; i++)
            ids.Add((await host.Queue.EnqueueAsync(new OtherJob(i))).Id);

        foreach (var id in ids)
            await StateAsync(host, id, JobState.Completed);
        most.Should().Be(3);
        scopes.Should().HaveCount(5).And.OnlyContain(thing => thing.Disposed);
    }

    [Theory, OnBothServersAndInMemory]
    public async Task Same_id_makes_no_second_job_not_even_after_the_first_has_completed(ServerKind kind)
    {
        await using var host = await StartAsync(kind);
        var options = new EnqueueOptions { Id = new JobId("order:7"), ResultRetention = TimeSpan.Zero };

        var first = await host.Queue.EnqueueAsync(new DoJob("x"), options);
        await StateAsync(host, first.Id, JobState.Completed);
        var second = await host.Queue.EnqueueAsync(new DoJob("x"), options);

        first.Should().Be(new EnqueueResult(new JobId("order:7"), Created: true));
        second.Should().Be(new EnqueueResult(new JobId("order:7"), Created: false));
        Script.Runs.Should().ContainSingle();
    }

    public sealed record OtherJob(int Number);

    public sealed record LooseJob(int Mass);

    public sealed record PickyJob
    {
        public PickyJob(int mass)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(mass);
            Mass = mass;
        }

        public int Mass { get; }
    }

    public sealed class PickyHandler : IJobHandler<PickyJob>
    {
        public Task HandleAsync(PickyJob job, JobContext context, CancellationToken cancellationToken) => Task.CompletedTask;
    }

    public sealed class LooseHandler : IJobHandler<LooseJob>
    {
        public Task HandleAsync(LooseJob job, JobContext context, CancellationToken cancellationToken) => Task.CompletedTask;
    }

    public sealed record WrongShape(string Number);

    public sealed class OtherHandler(ScopedThing? thing = null, Action<ScopedThing>? seen = null) : IJobHandler<OtherJob>
    {
        public Task HandleAsync(OtherJob job, JobContext context, CancellationToken cancellationToken)
        {
            if (thing is not null)
                seen?.Invoke(thing);
            return Task.CompletedTask;
        }
    }

    public sealed class WrongHandler : IJobHandler<WrongShape>
    {
        public Task HandleAsync(WrongShape job, JobContext context, CancellationToken cancellationToken) => Task.CompletedTask;
    }

    public sealed class ScopedThing : IDisposable
    {
        public bool Disposed { get; private set; }

        public void Dispose() => Disposed = true;
    }

    private sealed class Unspeakable : Exception
    {
        public override string Message => throw new InvalidOperationException("no text");

        public override string ToString() => throw new InvalidOperationException("no text");
    }

    [Theory, OnBothServersAndInMemory]
    public async Task Worker_with_another_lease_says_so_once_and_uses_the_queues(ServerKind kind)
    {
        await using var first = await StartAsync(kind, options: o => o.Lease = TimeSpan.FromSeconds(10));
        await Eventually.TrueAsync(() => first.Logs.Lines.Any(line => line.EventId.Id == 220), Soon);
        await using var second = await StartAsync(kind, options: o => o.Lease = TimeSpan.FromSeconds(40));

        await Eventually.TrueAsync(() => second.Logs.Lines.Any(line => line.EventId.Id == 211), Soon);
        for (var i = 0; i < 5; i++)
            await second.Queue.WaitForResultAsync<int>((await second.Queue.EnqueueAsync(new DoJob("x"))).Id, Soon);

        second.Logs.Lines.Should().ContainSingle(line => line.EventId.Id == 211).Which.Message.Should().Contain("00:00:40").And.Contain("00:00:10").And.Contain("JobQueueOptions.Lease");
        first.Logs.Lines.Should().NotContain(line => line.EventId.Id == 211);
    }
}
