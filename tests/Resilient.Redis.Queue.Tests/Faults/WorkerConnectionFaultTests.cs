using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Resilient.Redis.Queue.Tests.Integration;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Faults;

/// <summary>Workers whose connections break, fall silent, are refused, or are not there yet. Producers are beside the fault.</summary>
public sealed class WorkerConnectionFaultTests : IAsyncLifetime
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(40);

    private readonly Script _script = new();
    private TestServer _server = null!;

    public async Task InitializeAsync() => _server = await TestServer.StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task Replies_cut_anywhere_lose_no_job_and_run_none_twice()
    {
        const int Jobs = 40;
        await using var proxy = FaultProxy.Start(_server);
        await using var producer = await QueueHost.StartAsync(_server.Endpoint);
        await using var worker = await StartAsync(proxy.Endpoint);
        var ids = new ConcurrentDictionary<JobId, bool>();

        // A claim's reply with a job is some 150 bytes: each job meets a cut elsewhere.
        for (var i = 0; i < Jobs; i++)
        {
            proxy.CutAfterReplyBytes(i * 4L);
            var (id, _) = await producer.Queue.EnqueueAsync(new DoJob($"{i}"));
            ids[id] = true;
            await Eventually.TrueAsync(() => _script.Runs.Any(run => run.Id == id), s_deadline, () => $"job {i} did not run");
        }

        await Eventually.TrueAsync(async () => (await producer.Admin.CountAsync()).TotalCompleted == Jobs, s_deadline);
        _script.Runs.Select(run => run.Id).Should().BeEquivalentTo(ids.Keys, "each ran exactly once");
        (await producer.Admin.CountAsync()).Should().BeEquivalentTo(new { Waiting = 0, Active = 0, Scheduled = 0, Dead = 0, TotalLost = 0 });
    }

    [Fact]
    public async Task Worker_behind_a_network_that_fell_silent_works_on_without_losing_a_lease()
    {
        await using var proxy = FaultProxy.Start(_server);
        await using var producer = await QueueHost.StartAsync(_server.Endpoint);
        await using var worker = await StartAsync(proxy.Endpoint);
        using var finish = new SemaphoreSlim(0);
        _script.Do = (job, _, token) => job.What == "long" ? finish.WaitAsync(token) : Task.CompletedTask;
        var (running, _) = await producer.Queue.EnqueueAsync(new DoJob("long"));
        await Eventually.TrueAsync(() => _script.Runs.Count == 1, s_deadline);

        proxy.Silence();
        var (next, _) = await producer.Queue.EnqueueAsync(new DoJob("next"));

        await Eventually.TrueAsync(async () => (await producer.Queue.GetAsync(next))!.State == JobState.Completed, TimeSpan.FromSeconds(20));
        finish.Release();
        await Eventually.TrueAsync(async () => (await producer.Queue.GetAsync(running))!.State == JobState.Completed, s_deadline);
        (await producer.Queue.GetAsync(running))!.Should().BeEquivalentTo(new { Attempt = 1, Lapses = 0 });
        _script.Runs.Should().HaveCount(2);
    }

    [Fact]
    public async Task Worker_started_without_redis_works_when_it_comes()
    {
        await _server.KillAsync();
        await using var worker = await StartAsync(_server.Endpoint);

        await _server.RestartAsync();

        var (id, _) = await EnqueueWhenThereAsync(worker);
        await Eventually.TrueAsync(async () => (await worker.Queue.GetAsync(id))?.State == JobState.Completed, s_deadline);
    }

    [NeedsRedisServerFact("a password")]
    public async Task Worker_with_a_wrong_password_says_so_and_keeps_it_to_itself()
    {
        await using var guarded = await RedisServer.StartAsync("--requirepass", "right");

        await using var worker = await StartAsync($"{guarded.Endpoint},password=hunter2");

        await Eventually.TrueAsync(
            () => worker.Logs.Lines.Any(line => line.EventId.Id == 206 && line.Message.Contains("password", StringComparison.OrdinalIgnoreCase)),
            s_deadline, () => worker.Logs.Text);
        worker.Logs.Text.Should().NotContain("hunter2");
    }

    [Fact]
    public async Task Host_that_failed_to_start_leaves_no_worker_behind()
    {
        var logs = new CollectedLogs();
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Logging.Services.AddSingleton<Microsoft.Extensions.Logging.ILoggerProvider>(logs);
        builder.Services.AddSingleton(_script).AddResilientRedis(o => o.ConnectionString = _server.Endpoint).AddQueue("test").AddHandler<DoJob, DoHandler>().AddWorker();
        builder.Services.AddHostedService<FailingService>();
        using (var host = builder.Build())
            await FluentActions.Awaiting(() => host.StartAsync()).Should().ThrowAsync<InvalidOperationException>();

        // Disposing has awaited the worker's end, whatever it was doing.
        logs.Lines.Should().Contain(line => line.EventId.Id == 200).And.NotContain(line => line.EventId.Id == 215);
    }

    private Task<QueueHost> StartAsync(string endpoint) => QueueHost.StartAsync(endpoint, queue =>
    {
        queue.Services.AddSingleton(_script);
        queue.AddHandler<DoJob, DoHandler>().AddWorker(o => o.Concurrency = 2);
    });

    private static async Task<EnqueueResult> EnqueueWhenThereAsync(QueueHost host)
    {
        while (true)
        {
            try
            {
                return await host.Queue.EnqueueAsync(new DoJob("x"));
            }
            catch (RedisUnavailableException)
            {
                await Task.Delay(50);
            }
        }
    }

    private sealed class FailingService : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken) => throw new InvalidOperationException("a bad day");

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
