using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Integration;

/// <summary>How runs end before their handler wants to: time-out and shutdown.</summary>
public sealed class StoppingTests(BothServers servers) : QueueTestBase(servers)
{
    [Theory, OnBothServersAndInMemory]
    public async Task Run_that_takes_too_long_is_stopped_and_has_failed(ServerKind kind)
    {
        await using var host = await StartAsync(kind, o => o.JobTimeout = TimeSpan.FromMinutes(1), o => o.MaxAttempts = 1);
        var reason = StopReason.None;
        Script.Do = async (_, context, token) =>
        {
            try
            {
                await Task.Delay(Timeout.Infinite, token);
            }
            finally
            {
                reason = context.StopReason;
            }
        };

        var (id, _) = await host.Queue.EnqueueAsync(new DoJob("x"), new() { Timeout = TimeSpan.FromMilliseconds(200) });

        (await StateAsync(host, id, JobState.Dead)).Error.Should().Contain("time-out of 00:00:00.2");
        reason.Should().Be(StopReason.TimedOut);
    }

    [Theory, OnBothServersAndInMemory]
    public async Task Handler_that_ignores_its_time_out_fails_the_attempt_and_costs_only_its_slot(ServerKind kind)
    {
        await using var host = await StartAsync(kind, o => (o.Concurrency, o.ShutdownGrace) = (2, TimeSpan.Zero), o => (o.Lease, o.MaxAttempts) = (TimeSpan.FromSeconds(4), 1));
        using var release = new SemaphoreSlim(0);
        Script.Do = (job, _, _) => job.What == "deaf" ? release.WaitAsync(CancellationToken.None) : Task.CompletedTask;

        var (deaf, _) = await host.Queue.EnqueueAsync(new DoJob("deaf"), new() { Timeout = TimeSpan.FromMilliseconds(100) });
        (await StateAsync(host, deaf, JobState.Dead)).Error.Should().Contain("did not stop");
        var (other, _) = await host.Queue.EnqueueAsync(new DoJob("x"));

        await StateAsync(host, other, JobState.Completed);
        host.Logs.Lines.Should().ContainSingle(line => line.EventId.Id == 212);
        release.Release();
    }

    [Theory, OnBothServersAndInMemory]
    public async Task Shutdown_lets_handlers_finish_within_the_grace(ServerKind kind)
    {
        await using var producer = await StartProducerAsync(kind);
        using var started = new SemaphoreSlim(0);
        using var finish = new SemaphoreSlim(0);
        await using var worker = await StartAsync(kind);
        Script.Do = async (_, context, token) =>
        {
            started.Release();
            await finish.WaitAsync(token);
            context.SetResult(1);
        };
        var (id, _) = await producer.Queue.EnqueueAsync(new DoJob("x"));
        await started.WaitAsync();

        var stopped = worker.StopAsync();
        finish.Release();
        await stopped;

        (await producer.Queue.GetAsync(id))!.State.Should().Be(JobState.Completed);
    }

    [Theory, OnBothServersAndInMemory]
    public async Task Shutdown_hands_back_what_is_unfinished_without_spending_an_attempt(ServerKind kind)
    {
        await using var producer = await StartProducerAsync(kind);
        using var started = new SemaphoreSlim(0);
        using var never = new SemaphoreSlim(0);
        await using var worker = await StartAsync(kind, o => (o.Concurrency, o.Prefetch, o.ShutdownGrace) = (2, 2, TimeSpan.FromMilliseconds(100)));
        var reason = StopReason.None;
        Script.Do = async (job, context, token) =>
        {
            started.Release();
            if (job.What == "deaf")
                await never.WaitAsync(CancellationToken.None);
            await using var _ = token.Register(() => reason = context.StopReason);
            await Task.Delay(Timeout.Infinite, token);
        };
        var ids = new List<JobId>();
        foreach (var what in (string[])["deaf", "polite", "prefetched", "prefetched too"])
            ids.Add((await producer.Queue.EnqueueAsync(new DoJob(what))).Id);
        await started.WaitAsync();
        await started.WaitAsync();
        await Eventually.TrueAsync(async () => (await producer.Admin.CountAsync()).Active == 4, Soon);

        await worker.StopAsync();

        foreach (var id in ids)
            (await producer.Queue.GetAsync(id))!.Should().BeEquivalentTo(new { State = JobState.Waiting, Attempt = 0, Lapses = 0 });
        reason.Should().Be(StopReason.Shutdown);
        worker.Logs.Lines.Should().ContainSingle(line => line.EventId.Id == 217).Which.State["HandedBack"].Should().Be(4);

        Script.Do = (_, _, _) => Task.CompletedTask;
        await using var next = await StartAsync(kind);
        foreach (var id in ids)
            (await StateAsync(producer, id, JobState.Completed)).Attempt.Should().Be(1);
        never.Release();
    }
}
