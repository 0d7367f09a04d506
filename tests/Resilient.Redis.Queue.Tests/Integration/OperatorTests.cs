using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Integration;

/// <summary>What an operator can do, with a worker at work.</summary>
public sealed class OperatorTests(BothServers servers) : QueueTestBase(servers)
{
    [Theory, OnBothServersAndInMemory]
    public async Task Dead_jobs_are_listed_newest_first_requeued_and_removed(ServerKind kind)
    {
        await using var host = await StartAsync(kind, options: o => o.MaxAttempts = 1);
        var mended = false;
        Script.Do = (_, _, _) => mended ? Task.CompletedTask : throw new InvalidOperationException("broken");
        var results = await host.Queue.EnqueueManyAsync(Enumerable.Range(0, 130).Select(i => new DoJob($"{i}")));
        await Eventually.TrueAsync(async () => (await host.Admin.CountAsync()).Dead == 130, Soon);

        var dead = new List<JobInfo>();
        await foreach (var job in host.Admin.List(JobState.Dead))
            dead.Add(job);

        dead.Select(job => job.Id).Should().BeEquivalentTo(results.Select(result => result.Id));
        dead.Should().OnlyContain(job => job.Error!.Contains("broken"));
        dead.Select(job => job.EndedAt).Should().BeInDescendingOrder();
        (await host.Admin.RemoveAsync(dead[0].Id)).Should().Be(RemoveResult.Removed);
        mended = true;
        (await host.Admin.RequeueAsync(dead[1].Id)).Should().BeTrue();
        (await host.Admin.RequeueAllDeadAsync()).Should().Be(128);
        await Eventually.TrueAsync(async () => (await host.Admin.CountAsync()).TotalCompleted == 129, Soon);
        (await host.Admin.CountAsync()).Should().BeEquivalentTo(new { Dead = 0, Waiting = 0, Active = 0, TotalRemoved = 1 });
    }

    [Theory, OnBothServersAndInMemory]
    public async Task Job_that_runs_is_not_removed_before_it_is_cancelled(ServerKind kind)
    {
        await using var host = await StartAsync(kind);
        Script.Do = (_, _, token) => Task.Delay(Timeout.Infinite, token);
        var (id, _) = await host.Queue.EnqueueAsync(new DoJob("runs"));
        await StateAsync(host, id, JobState.Active);

        (await host.Admin.RemoveAsync(id)).Should().Be(RemoveResult.Active);
        (await host.Admin.List(JobState.Active).SingleAsync()).Id.Should().Be(id);
        await host.Queue.CancelAsync(id);
        await StateAsync(host, id, JobState.Cancelled);
        (await host.Admin.RemoveAsync(id)).Should().Be(RemoveResult.Removed);

        (await host.Queue.GetAsync(id)).Should().BeNull();
        (await host.Admin.RemoveAsync(id)).Should().Be(RemoveResult.Unknown);
    }

    [Theory, OnBothServersAndInMemory]
    public async Task Resumed_queue_is_worked_on_at_once(ServerKind kind)
    {
        await using var host = await StartAsync(kind, worker => worker.IdlePoll = TimeSpan.FromSeconds(2));
        await host.Admin.PauseAsync();
        var results = await host.Queue.EnqueueManyAsync(Enumerable.Range(0, 10).Select(i => new DoJob($"{i}")));
        await Eventually.TrueAsync(() => host.Logs.Lines.Any(line => line.EventId.Id == 220), Soon);
        (await host.Admin.CountAsync()).Should().BeEquivalentTo(new { Waiting = 10, Active = 0, IsPaused = true });

        await host.Admin.ResumeAsync();

        await Eventually.TrueAsync(async () => (await host.Admin.CountAsync()).TotalCompleted == 10, Soon);
        Script.Runs.Select(run => run.Id).Should().BeEquivalentTo(results.Select(result => result.Id));
    }

    [Theory, OnBothServersAndInMemory]
    public async Task Purge_removes_as_many_as_were_seen_or_nothing(ServerKind kind)
    {
        await using var host = await StartAsync(kind, options: o => o.MaxAttempts = 1);
        await host.Admin.PauseAsync();
        await host.Queue.EnqueueManyAsync(Enumerable.Range(0, 1200).Select(i => new DoJob($"{i}")));

        var refused = await FluentActions.Awaiting(() => host.Admin.PurgeAsync(JobState.Waiting, 1199).AsTask()).Should().ThrowAsync<JobCountChangedException>();
        refused.Which.Should().BeEquivalentTo(new { Expected = 1199, Actual = 1200 });
        refused.WithMessage("*1,199*1,200*");
        (await host.Admin.CountAsync()).Waiting.Should().Be(1200);
        (await host.Admin.PurgeAsync(JobState.Waiting, 1200)).Should().Be(1200);
        (await host.Admin.CountAsync()).Should().BeEquivalentTo(new { Waiting = 0, TotalAccepted = 1200, TotalRemoved = 1200 });

        await host.Admin.ResumeAsync();
        await host.Queue.EnqueueManyAsync(Enumerable.Range(0, 7).Select(i => new DoJob($"{i}")));
        await Eventually.TrueAsync(async () => (await host.Admin.CountAsync()).TotalCompleted == 7, Soon);
        await FluentActions.Awaiting(() => host.Admin.PurgeAsync(JobState.Completed, 8).AsTask()).Should().ThrowAsync<JobCountChangedException>();
        (await host.Admin.PurgeAsync(JobState.Cancelled, 0)).Should().Be(0);
        (await host.Admin.PurgeAsync(JobState.Completed, 7)).Should().Be(7);
        (await host.Admin.List(JobState.Completed).CountAsync()).Should().Be(0);
        await FluentActions.Awaiting(() => host.Admin.PurgeAsync(JobState.Active, 0).AsTask()).Should().ThrowAsync<ArgumentException>();
    }

    [Theory, OnBothServersAndInMemory]
    public async Task Drained_queue_is_empty_and_takes_no_new_jobs_in_any_process_until_it_is_resumed(ServerKind kind)
    {
        await using var host = await StartAsync(kind, worker => worker.Concurrency = 4, options => options.MaxAttempts = 2);
        await using var other = await StartProducerAsync(kind);
        Script.Do = (_, context, _) => context.Attempt == 1 ? throw new InvalidOperationException("again") : Task.CompletedTask;
        await other.Queue.EnqueueManyAsync(Enumerable.Range(0, 50).Select(i => new DoJob($"{i}")));

        await host.Admin.DrainAsync();

        (await host.Admin.CountAsync()).Should().BeEquivalentTo(new { Waiting = 0, Scheduled = 0, Active = 0, TotalCompleted = 50, IsDraining = true });
        (await FluentActions.Awaiting(() => other.Queue.EnqueueAsync(new DoJob("late")).AsTask()).Should().ThrowAsync<JobQueueDrainingException>())
            .WithMessage("*'test'*drains*ResumeAsync*");
        await host.Admin.ResumeAsync();
        await other.Queue.EnqueueAsync(new DoJob("in time"));
        await Eventually.TrueAsync(async () => (await host.Admin.CountAsync()).TotalCompleted == 51, Soon);
    }

    [Theory, OnBothServersAndInMemory]
    public async Task Drain_of_a_paused_queue_that_has_jobs_says_that_it_would_never_end(ServerKind kind)
    {
        await using var host = await StartProducerAsync(kind);
        await host.Queue.EnqueueAsync(new DoJob("waits"));
        await host.Admin.PauseAsync();

        (await FluentActions.Awaiting(() => host.Admin.DrainAsync().AsTask()).Should().ThrowAsync<InvalidOperationException>()).WithMessage("*paused*1*");
    }
}
