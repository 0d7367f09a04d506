using Microsoft.Extensions.DependencyInjection;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Integration;

/// <summary>What producers and handlers can ask for, through a whole application.</summary>
public sealed class FeatureTests(BothServers servers) : QueueTestBase(servers)
{
    [Theory, OnBothServersAndInMemory]
    public async Task Thousands_of_jobs_are_handed_in_at_once_and_all_run(ServerKind kind)
    {
        await using var host = await StartAsync(kind, worker => worker.Prefetch = 500);

        var results = await host.Queue.EnqueueManyAsync(Enumerable.Range(0, 2500).Select(i => new DoJob($"{i}")));

        results.Should().HaveCount(2500).And.OnlyContain(result => result.Created);
        await Eventually.TrueAsync(async () => (await host.Admin.CountAsync()).TotalCompleted == 2500, Soon, () => host.Logs.Text);
        Script.Runs.Select(run => run.Id).Should().OnlyHaveUniqueItems().And.HaveCount(2500);
        Script.Runs.Select(run => run.What).Should().BeEquivalentTo(Enumerable.Range(0, 2500).Select(i => $"{i}"));
    }

    [Theory, OnBothServersAndInMemory]
    public async Task Running_job_is_cancelled_from_outside_within_a_second_and_told_why(ServerKind kind)
    {
        await using var host = await StartAsync(kind);
        var told = new TaskCompletionSource<(StopReason, string?)>(TaskCreationOptions.RunContinuationsAsynchronously);
        Script.Do = async (_, context, token) =>
        {
            context.ReportProgress(0.25, "a quarter");
            try
            {
                await Task.Delay(Timeout.Infinite, token);
            }
            finally
            {
                told.TrySetResult((context.StopReason, context.CancelReason));
            }
        };
        var (id, _) = await host.Queue.EnqueueAsync(new DoJob("long"));
        await Eventually.TrueAsync(async () => (await host.Queue.GetAsync(id))?.Progress == new JobProgress(0.25, "a quarter"), Soon);

        var clock = System.Diagnostics.Stopwatch.StartNew();
        (await host.Queue.CancelAsync(id, "the user left")).Should().Be(CancelResult.Requested);
        (await told.Task.WaitAsync(Soon)).Should().Be((StopReason.CancelRequested, "the user left"));

        clock.Elapsed.Should().BeLessThan(TimeSpan.FromSeconds(2), "a second, and the machine's own delay; a heartbeat alone is two");
        (await StateAsync(host, id, JobState.Cancelled)).Error.Should().Be("the user left");
        Script.Runs.Should().ContainSingle();
        (await host.Queue.CancelAsync(id)).Should().Be(CancelResult.AlreadyEnded);
        (await host.Queue.CancelAsync(JobId.New())).Should().Be(CancelResult.Unknown);
        var failed = await FluentActions.Awaiting(() => host.Queue.WaitForResultAsync<int>(id, Soon)).Should().ThrowAsync<JobFailedException>();
        failed.Which.Reason.Should().Be("the user left");
    }

    [Theory, OnBothServersAndInMemory]
    public async Task Waiting_job_is_cancelled_and_never_runs(ServerKind kind)
    {
        await using var producer = await StartProducerAsync(kind);
        var (id, _) = await producer.Queue.EnqueueAsync(new DoJob("never"));
        var (next, _) = await producer.Queue.EnqueueAsync(new DoJob("next"));

        (await producer.Queue.CancelAsync(id)).Should().Be(CancelResult.Cancelled);

        await using var host = await StartAsync(kind);
        await StateAsync(host, next, JobState.Completed);
        Script.Runs.Select(run => run.What).Should().Equal("next");
    }

    [Theory, OnBothServersAndInMemory]
    public async Task Unique_job_is_made_once_until_it_has_ended(ServerKind kind)
    {
        await using var host = await StartAsync(kind);
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Script.Do = (_, _, _) => go.Task;
        var options = new EnqueueOptions { UniqueKey = "report 7" };

        var first = await host.Queue.EnqueueAsync(new DoJob("a"), options);
        var second = await host.Queue.EnqueueAsync(new DoJob("b"), options);

        second.Should().Be(new EnqueueResult(first.Id, false) { HeldBy = first.Id });
        go.SetResult();
        await StateAsync(host, first.Id, JobState.Completed);
        (await host.Queue.EnqueueAsync(new DoJob("c"), options)).Created.Should().BeTrue();
    }

    [Theory, OnBothServersAndInMemory]
    public async Task Full_queue_says_so_and_names_the_setting(ServerKind kind)
    {
        await using var producer = await StartProducerAsync(kind, o => o.MaxLength = 2);
        await producer.Queue.EnqueueManyAsync([new DoJob("a"), new DoJob("b")]);

        var full = await FluentActions.Awaiting(() => producer.Queue.EnqueueAsync(new DoJob("c")).AsTask()).Should().ThrowAsync<JobQueueFullException>();

        full.Which.Message.Should().Contain("2 jobs wait").And.Contain("MaxLength").And.Contain("nothing of it was stored");
    }

    [Theory, OnBothServersAndInMemory]
    public async Task Follow_ups_run_here_and_in_another_queue_once_however_often_the_job_is_tried(ServerKind kind)
    {
        var other = "other" + Guid.NewGuid().ToString("N")[..8];
        var endpoint = await EndpointAsync(kind);
        await using var host = await StartWithAsync(kind, queue =>
        {
            queue.AddHandler<DoJob, DoHandler>().AddWorker();
            queue.Services.AddResilientRedis("other", o => o.ConnectionString = endpoint).AddQueue(other).AddHandler<DoJob, DoHandler>().AddWorker();
        });
        var queueHere = host.Services.GetRequiredKeyedService<IJobQueue>("test");
        Script.Do = (job, context, _) =>
        {
            if (job.What != "parent")
                return Task.CompletedTask;
            context.EnqueueOnCompletion(new DoJob("child"));
            context.EnqueueOnCompletion(new DoJob("abroad"), new() { Headers = new Dictionary<string, string> { ["tenant"] = "x" } }, other);
            return context.Attempt < 3 ? throw new InvalidOperationException("not yet") : Task.CompletedTask;
        };

        await queueHere.EnqueueAsync(new DoJob("parent"));

        await Eventually.TrueAsync(() => Script.Runs.Count(run => run.What is "child" or "abroad") == 2, Soon, () => host.Logs.Text);
        await Eventually.TrueAsync(async () => (await host.Services.GetRequiredKeyedService<IJobQueueAdmin>(other).CountAsync()).TotalCompleted == 1, Soon);
        Script.Runs.Select(run => run.What).Should().BeEquivalentTo(["parent", "parent", "parent", "child", "abroad"]);
        await Eventually.TrueAsync(async () => (await host.Services.GetRequiredKeyedService<IJobQueueAdmin>("test").CountAsync()).TotalCompleted == 2, Soon);
    }

    [Theory, OnBothServersAndInMemory]
    public async Task Follow_up_for_a_queue_that_is_not_registered_fails_the_attempt_and_says_what_to_do(ServerKind kind)
    {
        await using var host = await StartAsync(kind, options: o => o.MaxAttempts = 1);
        Script.Do = (_, context, _) => Task.FromResult(context.EnqueueOnCompletion(new DoJob("x"), queue: "nowhere"));

        var (id, _) = await host.Queue.EnqueueAsync(new DoJob("parent"));

        (await StateAsync(host, id, JobState.Dead)).Error.Should().Contain("'nowhere' is not registered").And.Contain("AddQueue");
    }
}
