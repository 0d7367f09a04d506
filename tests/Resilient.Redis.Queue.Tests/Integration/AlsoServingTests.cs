using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Resilient.Redis.Queue.Storage;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Integration;

/// <summary>One worker for several queues, in order or by weight. When a job was claimed is told by its fence token: server time in µs.</summary>
public sealed class AlsoServingTests(BothServers servers) : IClassFixture<BothServers>, IDisposable
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(30);

    private readonly string _prefix = "t:" + Guid.NewGuid().ToString("N");
    private readonly Script _script = new();
    private readonly SemaphoreSlim _release = new(0);

    public void Dispose() => _release.Dispose();

    [Theory, OnBothServers]
    public async Task Lower_queue_is_claimed_from_only_while_the_higher_ones_have_nothing_ready(ServerKind kind)
    {
        await using var worker = await StartAsync(kind, a => a.AddWorker(o => o.Concurrency = 3).AlsoServing("b").AlsoServing("c"), worker: Rarely);
        await FillSlotsAsync(worker, "c", 3);
        foreach (var queue in (string[])["b", "a"])
            await EnqueueAndHearAsync(kind, worker, queue, queue, 150);
        await worker.Queue("c").EnqueueManyAsync(Enumerable.Range(0, 150).Select(i => new DoJob("c")));

        _release.Release(3);
        await CompletedAsync(worker, ("a", 150), ("b", 150), ("c", 153));

        ClaimedAt("a").Max().Should().BeLessThan(ClaimedAt("b").Min());
        ClaimedAt("b").Max().Should().BeLessThan(ClaimedAt("c").Min());
    }

    [Theory, OnBothServers]
    public async Task Next_free_slot_goes_to_the_higher_queue_whose_bell_rang_while_the_lower_one_fills_all(ServerKind kind)
    {
        await using var worker = await StartAsync(kind, a => a.AddWorker(o => (o.Concurrency, o.ShutdownGrace) = (2, TimeSpan.Zero)).AlsoServing("b"), worker: Rarely);
        _script.Do = (job, _, token) => job.What == "low" ? _release.WaitAsync(token) : Task.CompletedTask;
        await worker.Queue("b").EnqueueManyAsync(Enumerable.Range(0, 30).Select(i => new DoJob("low")));
        await Eventually.TrueAsync(() => _script.Runs.Count == 2, s_soon);

        for (var round = 0; round < 10; round++)
        {
            var before = _script.Runs.Count;
            await EnqueueAndHearAsync(kind, worker, "a", "high");
            _release.Release();
            await Eventually.TrueAsync(() => _script.Runs.Count == before + 2, s_soon);

            _script.Runs.Skip(before).Select(run => run.What).Should().Equal("high", "low");
        }
    }

    [Theory, OnBothServers]
    public async Task Bell_that_finds_all_slots_taken_by_another_queue_is_passed_on(ServerKind kind)
    {
        // Looks are rare here: without the bell the job would wait for seconds.
        await using var idle = await StartAsync(kind, a => a.AddWorker(Single), worker: Rarely);
        await InContactAsync(idle, 1);
        await using var busy = await StartAsync(kind, a => a.AddWorker(Single).AlsoServing("b"), worker: Rarely);
        await InContactAsync(busy, 2);
        _script.Do = (job, _, token) => job.What == "low" ? _release.WaitAsync(token) : Task.CompletedTask;
        await idle.Queue("b").EnqueueAsync(new DoJob("low"));
        await Eventually.TrueAsync(() => _script.Runs.Count == 1, s_soon);

        var (id, _) = await idle.Queue("a").EnqueueAsync(new DoJob("high"));

        var took = await Eventually.TrueAsync(async () => (await idle.Queue("a").GetAsync(id))!.State == JobState.Completed, s_soon);
        took.Should().BeLessThan(TimeSpan.FromSeconds(5));

        static void Single(JobWorkerOptions o) => (o.Concurrency, o.ShutdownGrace) = (1, TimeSpan.Zero);
    }

    [Theory, OnBothServers]
    public async Task Higher_queue_without_a_slot_keeps_its_time_and_its_schedule_going(ServerKind kind)
    {
        await using var worker = await StartAsync(kind, a => a.AddWorker(o => (o.Concurrency, o.ShutdownGrace) = (1, TimeSpan.Zero)).AlsoServing("b"));
        _script.Do = (job, _, token) => job.What == "low" ? _release.WaitAsync(token) : Task.CompletedTask;
        await worker.Queue("b").EnqueueAsync(new DoJob("low"));
        await Eventually.TrueAsync(() => _script.Runs.Count == 1, s_soon);

        var (id, _) = await worker.Queue("a").EnqueueAsync(new DoJob("high"), new() { Delay = TimeSpan.FromMilliseconds(300) });

        await Eventually.TrueAsync(async () => (await worker.Queue("a").GetAsync(id))!.State == JobState.Waiting, s_soon);
        _script.Runs.Should().ContainSingle();
        _release.Release();
        await CompletedAsync(worker, ("a", 1), ("b", 1));
    }

    [Theory, OnBothServers]
    public async Task Full_queues_share_the_slots_by_weight_and_the_light_one_does_not_starve(ServerKind kind)
    {
        await using var worker = await StartAsync(kind, a => a.AddWorker(o => (o.Concurrency, o.Weight) = (4, 3)).AlsoServing("b", weight: 1), worker: Rarely);
        await FillSlotsAsync(worker, "b", 4);
        await worker.Queue("b").EnqueueManyAsync(Enumerable.Range(0, 900).Select(i => new DoJob("b")));
        await EnqueueAndHearAsync(kind, worker, "a", "a", 900);

        _release.Release(4);
        await CompletedAsync(worker, ("a", 900));

        var until = ClaimedAt("a").Max();
        ClaimedAt("b").Count(at => at <= until).Should().BeInRange(255, 345, "300 of the light queue come with 900 of the heavy one");
        await CompletedAsync(worker, ("b", 904));
    }

    [Theory, OnBothServers]
    public async Task Share_that_its_queue_does_not_need_is_used_by_the_others(ServerKind kind)
    {
        await using var worker = await StartAsync(kind, a => a.AddWorker(o => (o.Concurrency, o.ShutdownGrace) = (4, TimeSpan.Zero)).AlsoServing("b", weight: 1), worker: Rarely);
        _script.Do = (_, _, token) => _release.WaitAsync(token);

        await worker.Queue("b").EnqueueManyAsync(Enumerable.Range(0, 6).Select(i => new DoJob("b")));
        await Eventually.TrueAsync(() => _script.Runs.Count == 4, s_soon);
        await EnqueueAndHearAsync(kind, worker, "a", "a", 6);
        _release.Release(2);
        await Eventually.TrueAsync(() => _script.Runs.Count == 6, s_soon);

        _script.Runs.Skip(4).Select(run => run.What).Should().Equal("a", "a");
        _release.Release(10);
        await CompletedAsync(worker, ("a", 6), ("b", 6));
    }

    [Theory, OnBothServers]
    public async Task Shutdown_hands_back_the_jobs_of_all_queues_without_spending_an_attempt(ServerKind kind)
    {
        await using var producer = await StartAsync(kind);
        await using var worker = await StartAsync(kind, a => a.AddWorker(o => (o.Concurrency, o.ShutdownGrace) = (4, TimeSpan.FromMilliseconds(100))).AlsoServing("b").AlsoServing("c"));
        _script.Do = (_, _, token) => Task.Delay(Timeout.Infinite, token);
        List<(string Queue, JobId Id)> jobs = [];
        foreach (var queue in (string[])["a", "b", "c"])
            jobs.Add((queue, (await producer.Queue(queue).EnqueueAsync(new DoJob(queue))).Id));
        await Eventually.TrueAsync(() => _script.Runs.Count == 3, s_soon);

        await worker.StopAsync();

        foreach (var (queue, id) in jobs)
            (await producer.Queue(queue).GetAsync(id))!.Should().BeEquivalentTo(new { State = JobState.Waiting, Attempt = 0, Lapses = 0 });
        worker.Logs.Lines.Where(line => line.EventId.Id == 217).Should().HaveCount(3);
    }

    [Theory, OnBothServers]
    public async Task Each_queue_has_its_own_health(ServerKind kind)
    {
        await using var worker = await StartAsync(kind, a => a.AddWorker().AlsoServing("b"), each => each.AddHealthCheck());
        var health = worker.Services.GetRequiredService<HealthCheckService>();

        // Degraded where the server of the tests keeps nothing.
        await Eventually.TrueAsync(async () => (await health.CheckHealthAsync()).Status != HealthStatus.Unhealthy, s_soon);

        var entries = (await health.CheckHealthAsync()).Entries;
        entries["queue:a"].Data["worker"].Should().Be(true);
        entries["queue:b"].Data["worker"].Should().Be(true);
        entries["queue:c"].Data["worker"].Should().Be(false);
    }

    private IEnumerable<long> ClaimedAt(string what) => _script.Runs.Where(run => run.What == what).Select(run => run.Token);

    /// <summary>Returns when the worker, whose slots are all taken, has looked at the queue on its bell: by itself it looks only every 15 s.</summary>
    private async Task EnqueueAndHearAsync(ServerKind kind, QueuesHost worker, string queue, string what, int jobs = 1)
    {
        var database = (await servers.ConnectionAsync(kind)).GetDatabase();
        var clock = new QueueKeys(_prefix, queue).Clock;
        var before = await database.HashGetAsync(clock, "last");
        await worker.Queue(queue).EnqueueManyAsync(Enumerable.Range(0, jobs).Select(i => new DoJob(what)));
        await Eventually.TrueAsync(async () => await database.HashGetAsync(clock, "last") != before, s_soon, () => $"queue {queue}");
    }

    private static void Rarely(JobWorkerOptions options) => options.IdlePoll = TimeSpan.FromSeconds(15);

    /// <summary>All queues have been looked at, and jobs of one fill all slots until they are released.</summary>
    private async Task FillSlotsAsync(QueuesHost worker, string queue, int slots)
    {
        _script.Do = async (job, _, token) =>
        {
            if (job.What == "fill")
                await _release.WaitAsync(token);
            await Task.Delay(25, token); // shares are of slots: where handlers take no time, it is the round trips that count
        };
        await worker.Queue(queue).EnqueueManyAsync(Enumerable.Range(0, slots).Select(i => new DoJob("fill")));
        await Eventually.TrueAsync(() => _script.Runs.Count == slots, s_soon);
    }

    private static Task<TimeSpan> InContactAsync(QueuesHost host, int queues) =>
        Eventually.TrueAsync(() => host.Logs.Lines.Count(line => line.EventId.Id == 220) == queues, s_soon);

    private static async Task CompletedAsync(QueuesHost host, params (string Queue, int Jobs)[] wanted)
    {
        foreach (var (queue, jobs) in wanted)
            await Eventually.TrueAsync(async () => (await host.Admin(queue).CountAsync()).TotalCompleted == jobs, TimeSpan.FromSeconds(90), () => $"queue {queue}");
    }

    /// <summary>An application with the queues a, b and c.</summary>
    private async Task<QueuesHost> StartAsync(ServerKind kind, Action<IJobQueueBuilder>? a = null, Action<IJobQueueBuilder>? each = null, Action<JobWorkerOptions>? worker = null)
    {
        var endpoint = (await servers.ServerAsync(kind)).Endpoint;
        return await QueuesHost.StartAsync(services =>
        {
            var redis = services.AddSingleton(_script).AddResilientRedis(o => o.ConnectionString = endpoint);
            foreach (var name in (string[])["c", "b", "a"])
            {
                var queue = redis.AddQueue(name, o => (o.KeyPrefix, o.Lease) = (_prefix, TimeSpan.FromMinutes(2))).AddHandler<DoJob, DoHandler>();
                each?.Invoke(queue);
                if (name == "a")
                    a?.Invoke(queue);
                if (name == "a" && worker is not null)
                    queue.AddWorker(worker);
            }
        });
    }
}
