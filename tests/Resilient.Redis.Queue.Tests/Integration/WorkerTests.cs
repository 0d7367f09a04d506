using Microsoft.Extensions.DependencyInjection;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Integration;

/// <summary>What a handler can do, and what becomes of its job.</summary>
public sealed class WorkerTests(BothServers servers) : IClassFixture<BothServers>
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(10);

    private readonly Script _script = new();

    [Theory, OnBothServers]
    public async Task Job_is_run_and_its_result_reaches_the_caller(ServerKind kind)
    {
        await using var host = await StartAsync(kind);
        _script.Do = (job, context, _) =>
        {
            context.SetResult(job.What.Length);
            return Task.CompletedTask;
        };

        var enqueued = await host.Queue.EnqueueAsync(new DoJob("four"), new() { Headers = new Dictionary<string, string> { ["tenant"] = "ä" } });

        enqueued.Created.Should().BeTrue();
        (await host.Queue.WaitForResultAsync<int>(enqueued.Id, s_soon)).Should().Be(4);
        var job = (await host.Queue.GetAsync(enqueued.Id))!;
        job.State.Should().Be(JobState.Completed);
        job.Attempt.Should().Be(1);
        job.JobName.Should().Be("test.do");
        (await host.Admin.CountAsync()).TotalCompleted.Should().BeGreaterThan(0);
    }

    [Theory, OnBothServers]
    public async Task Failing_job_is_tried_again_after_a_pause_and_then_is_dead_with_its_reason(ServerKind kind)
    {
        await using var host = await StartAsync(kind, options: o => (o.BackoffBase, o.MaxAttempts) = (TimeSpan.FromMilliseconds(50), 3));
        _script.Do = (_, _, _) => throw new InvalidOperationException("no such model");

        var (id, _) = await host.Queue.EnqueueAsync(new DoJob("x"));

        var failed = await FluentActions.Awaiting(() => host.Queue.WaitForResultAsync<int>(id, s_soon)).Should().ThrowAsync<JobFailedException>();
        failed.Which.State.Should().Be(JobState.Dead);
        failed.Which.Reason.Should().Contain("no such model");
        _script.Runs.Select(run => run.Attempt).Should().Equal(1, 2, 3);
        _script.Runs.Select(run => run.Token).Should().BeInAscendingOrder().And.OnlyHaveUniqueItems();
    }

    private async Task<QueueHost> StartAsync(ServerKind kind, Action<JobWorkerOptions>? worker = null, Action<JobQueueOptions>? options = null) =>
        await QueueHost.StartAsync(
            (await servers.ServerAsync(kind)).Endpoint,
            queue =>
            {
                queue.Services.AddSingleton(_script);
                queue.AddHandler<DoJob, DoHandler>().AddWorker(worker).AddHealthCheck();
            },
            o =>
            {
                o.KeyPrefix = "t:" + Guid.NewGuid().ToString("N");
                options?.Invoke(o);
            });
}
