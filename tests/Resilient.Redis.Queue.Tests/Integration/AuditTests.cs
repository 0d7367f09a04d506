using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Integration;

/// <summary>An audit of a queue at work gives no false findings, and its repair harms nothing.</summary>
public sealed class AuditTests(BothServers servers) : QueueTestBase(servers)
{
    [NeedsRedisServerFact("under this load records went missing on it")]
    public async Task Audit_during_a_load_finds_nothing()
    {
        await using var host = await StartAsync(ServerKind.RedisServer, worker => (worker.Concurrency, worker.Prefetch) = (8, 8), options => options.ResultRetention = TimeSpan.Zero);
        await using var other = await StartAsync(ServerKind.RedisServer, worker => worker.Concurrency = 4);
        Script.Do = (job, context, _) => context.Attempt == 1 && job.What.EndsWith('3') ? throw new InvalidOperationException("again") : Task.CompletedTask;
        await host.Queue.EnqueueManyAsync(Enumerable.Range(0, 1000).Select(i => new DoJob($"{i}")));
        using var enough = new CancellationTokenSource();
        var load = Task.WhenAll(ProduceAsync(host, enough.Token), ProduceAsync(other, enough.Token));

        var jobs = 0L;
        for (var round = 0; round < 10; round++)
        {
            var report = await host.Admin.AuditAsync(repair: round % 2 == 1);
            report.Findings.Should().BeEmpty(string.Join(' ', report.Findings.Select(finding => finding.Description)));
            jobs += report.Jobs;
        }

        await enough.CancelAsync();
        await load;
        jobs.Should().BeGreaterThan(1000);
        await host.Admin.DrainAsync();
        (await host.Admin.AuditAsync()).Findings.Should().BeEmpty();
        var counts = await host.Admin.CountAsync();
        counts.Should().BeEquivalentTo(new { TotalLost = 0, Waiting = 0, Active = 0, Scheduled = 0 });
    }

    [Theory, OnBothServers]
    public async Task Job_that_fell_out_of_its_line_runs_after_a_repair(ServerKind kind)
    {
        await using var host = await StartAsync(kind);
        await host.Admin.PauseAsync();
        var (id, _) = await host.Queue.EnqueueAsync(new DoJob("falls"));
        await using (var connection = await StackExchange.Redis.ConnectionMultiplexer.ConnectAsync(await EndpointAsync(kind)))
            await connection.GetDatabase().KeyDeleteAsync($"{{{Prefix}:test}}:waiting");
        await host.Admin.ResumeAsync();

        var finding = (await host.Admin.AuditAsync(repair: true)).Findings.Should().ContainSingle().Subject;

        finding.Should().BeEquivalentTo(new { Kind = AuditFindingKind.NoPlace, Subject = id.Value, Repaired = true });
        finding.Description.Should().Contain(id.Value).And.Contain("Done");
        await StateAsync(host, id, JobState.Completed);
    }

    /// <summary>Everything that moves a job: enqueued at once, later, by key, cancelled, removed.</summary>
    private static async Task ProduceAsync(QueueHost host, CancellationToken enough)
    {
        for (var i = 0; !enough.IsCancellationRequested; i++)
        {
            // No more than the workers can take: the queue has to move, not to grow.
            await Eventually.TrueAsync(async () => enough.IsCancellationRequested || (await host.Admin.CountAsync(CancellationToken.None)).Waiting < 500, TimeSpan.FromMinutes(1));
            await host.Queue.EnqueueManyAsync(Enumerable.Range(0, 20).Select(n => new DoJob($"{n}")), cancellationToken: CancellationToken.None);
            var (id, _) = await host.Queue.EnqueueAsync(new DoJob("later"), new() { Delay = TimeSpan.FromMilliseconds(i % 300) }, CancellationToken.None);
            await host.Queue.EnqueueAsync(new DoJob("unique"), new() { UniqueKey = $"{i % 5}" }, CancellationToken.None);
            if (i % 3 == 0)
                await host.Queue.CancelAsync(id, cancellationToken: CancellationToken.None);
            if (i % 3 == 1)
                await host.Admin.RemoveAsync(id, CancellationToken.None);
        }
    }
}
