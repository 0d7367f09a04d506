using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Integration;

/// <summary>What an operator can do, with a worker at work.</summary>
public sealed class OperatorTests(BothServers servers) : QueueTestBase(servers)
{
    [Theory, OnBothServers]
    public async Task Dead_jobs_are_listed_newest_first_requeued_and_removed(ServerKind kind)
    {
        await using var host = await StartAsync(kind, options: o => o.MaxAttempts = 1);
        var mended = false;
        Script.Do = (_, _, _) => mended ? Task.CompletedTask : throw new InvalidOperationException("broken");
        var results = await host.Queue.EnqueueManyAsync(Enumerable.Range(0, 130).Select(i => new DoJob($"{i}")));
        await Eventually.TrueAsync(async () => (await host.Admin.CountAsync()).Dead == 130, Soon);

        var dead = new List<JobInfo>();
        await foreach (var job in host.Admin.ListDead())
            dead.Add(job);

        dead.Select(job => job.Id).Should().BeEquivalentTo(results.Select(result => result.Id));
        dead.Should().OnlyContain(job => job.Error!.Contains("broken"));
        dead.Select(job => job.EndedAt).Should().BeInDescendingOrder();
        (await host.Admin.RemoveDeadAsync(dead[0].Id)).Should().BeTrue();
        mended = true;
        (await host.Admin.RequeueAsync(dead[1].Id)).Should().BeTrue();
        (await host.Admin.RequeueAllDeadAsync()).Should().Be(128);
        await Eventually.TrueAsync(async () => (await host.Admin.CountAsync()).TotalCompleted == 129, Soon);
        (await host.Admin.CountAsync()).Should().BeEquivalentTo(new { Dead = 0, Waiting = 0, Active = 0, TotalRemoved = 1 });
    }

    [Theory, OnBothServers]
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
}
