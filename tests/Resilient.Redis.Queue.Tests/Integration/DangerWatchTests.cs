using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Resilient.Redis.Queue.Storage;
using Resilient.Redis.Queue.Tests.Scripts;
using Resilient.Redis.Queue.Worker;
using Resilient.Redis.TestKit;
using StackExchange.Redis;

namespace Resilient.Redis.Queue.Tests.Integration;

/// <summary>Settings of the server that lose jobs are told at start, once and by name, and in the queue's health.</summary>
public sealed class DangerWatchTests(BothServers servers) : ScriptTests(servers), IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly CollectedLogs _logs = new();

    public void Dispose() => _logs.Dispose();

    [NeedsRedisServerFact("maxmemory-policy")]
    public async Task Eviction_policy_is_named_once_with_its_remedy_and_degrades_health()
    {
        await using var server = await RedisServer.StartAsync("--maxmemory-policy", "allkeys-lru", "--appendonly", "yes");
        await using var host = await QueueHost.StartAsync(server.Endpoint, queue =>
        {
            queue.Services.AddSingleton(new Script());
            queue.AddHandler<DoJob, DoHandler>().AddWorker().AddHealthCheck();
        });
        var health = host.Services.GetRequiredService<HealthCheckService>();

        await Eventually.TrueAsync(async () => (await health.CheckHealthAsync()).Status == HealthStatus.Degraded, Seconds(15), () => host.Logs.Text);

        var entry = (await health.CheckHealthAsync()).Entries["queue:test"];
        entry.Data["dangers"].Should().Be("maxmemory-policy allkeys-lru");
        entry.Description.Should().Contain("CONFIG SET maxmemory-policy noeviction");
        var warning = Warnings(host.Logs).Should().ContainSingle().Which;
        warning.Level.Should().Be(LogLevel.Warning);
        warning.Message.Should().Contain("'test'").And.Contain("maxmemory-policy allkeys-lru").And.Contain("deletes jobs").And.Contain("CONFIG SET maxmemory-policy noeviction");
    }

    [NeedsRedisServerFact("CONFIG SET")]
    public async Task Danger_is_told_once_and_is_over_when_its_remedy_was_taken()
    {
        await using var server = await RedisServer.StartAsync("--maxmemory-policy", "volatile-ttl", "--appendonly", "yes");
        await using var connection = await server.ConnectAsync();
        var queue = await TestQueue.AtAsync(Start, connection);
        var watch = new DangerWatch(_time);
        using var stop = new CancellationTokenSource();
        // Two workers of one connection: one of them looks, and tells.
        var running = Task.WhenAll(watch.RunAsync("1", Line(queue), _logs.CreateLogger("1"), stop.Token), watch.RunAsync("2", Line(queue), _logs.CreateLogger("2"), stop.Token));
        await Eventually.TrueAsync(() => watch.Found.Count == 1, Seconds(10));

        await connection.GetServers()[0].ConfigSetAsync("maxmemory-policy", "noeviction");
        await Eventually.TrueAsync(
            () =>
            {
                _time.Advance(DangerWatch.Interval);
                return watch.Found.Count == 0;
            },
            Seconds(10));

        Warnings(_logs).Should().ContainSingle();
        await Eventually.TrueAsync(() => _logs.Lines.Count(line => line.EventId.Id == 253) == 1, Seconds(10));
        await stop.CancelAsync();
        await running.WaitAsync(Seconds(10));
    }

    [NeedsRedisServerFact("persistence")]
    public async Task Server_that_keeps_nothing_is_named()
    {
        await using var server = await RedisServer.StartAsync("--save", "", "--appendonly", "no");

        (await LookAsync(server)).Should().ContainSingle().Which.Should().BeEquivalentTo(new { Setting = "appendonly no and no save points" });

        Warnings(_logs).Should().ContainSingle().Which.Message.Should().Contain("CONFIG SET appendonly yes");
    }

    [NeedsRedisServerFact("persistence")]
    public async Task Server_that_keeps_what_it_is_given_is_not_warned_of()
    {
        foreach (var (appendOnly, save) in ((string, string)[])[("yes", ""), ("no", "3600 1")])
        {
            await using var server = await RedisServer.StartAsync("--save", save, "--appendonly", appendOnly);

            (await LookAsync(server)).Should().BeEmpty();
        }

        _logs.Lines.Should().BeEmpty();
    }

    [NeedsRedisServerFact("REPLICAOF")]
    public async Task Replica_as_target_is_named()
    {
        await using var primary = await RedisServer.StartAsync("--appendonly", "yes");
        await using var replica = await RedisServer.StartAsync("--appendonly", "yes", "--replicaof", "127.0.0.1", $"{primary.Port}", "--replica-read-only", "no");

        await using var host = await QueueHost.StartAsync(replica.Endpoint, queue => queue.AddWorker());

        await Eventually.TrueAsync(() => Warnings(host.Logs).Count == 1, Seconds(15), () => host.Logs.Text);
        Warnings(host.Logs).Single().Message.Should().Contain("role replica").And.Contain("connect to the primary");
    }

    [NeedsRedisServerFact("ACL SETUSER")]
    public async Task User_who_may_not_ask_works_and_nothing_is_said_but_that()
    {
        await using var server = await RedisServer.StartAsync("--maxmemory-policy", "allkeys-lru");
        await using (var beside = await server.ConnectAsync())
            await beside.GetDatabase().ExecuteAsync("ACL", "SETUSER", "worker", "on", ">pw", "~*", "&*", "+@all", "-info", "-config");
        await using var host = await QueueHost.StartAsync($"{server.Endpoint},user=worker,password=pw", queue =>
        {
            queue.Services.AddSingleton(new Script());
            queue.AddHandler<DoJob, DoHandler>().AddWorker();
        });

        var (id, _) = await host.Queue.EnqueueAsync(new DoJob("x"));
        await QueueTestBase.StateAsync(host, id, JobState.Completed);

        await Eventually.TrueAsync(() => host.Logs.Lines.Any(line => line.EventId.Id == 254), Seconds(15));
        var line = host.Logs.Lines.Single(line => line.EventId.Id == 254);
        line.Level.Should().Be(LogLevel.Debug);
        line.Message.Should().Contain("INFO memory: NOPERM").And.Contain("CONFIG GET save: NOPERM");
        Warnings(host.Logs).Should().BeEmpty();
    }

    [Theory, OnBothServers]
    public async Task Server_that_knows_only_some_settings_is_read_without_an_error(ServerKind kind)
    {
        var queue = await QueueAsync(kind);

        var settings = await Line(queue).ReadSettingsAsync(default);

        settings.Role.Should().Be("master");
        if (kind == ServerKind.Garnet)
            ServerDanger.In(settings).Should().BeEmpty();
        else
            settings.Should().BeEquivalentTo(new { EvictionPolicy = "noeviction", AppendOnly = false, SavePoints = "" });
    }

    [NeedsRedisServerFact("a server of its own")]
    public async Task Server_that_is_away_is_looked_at_when_it_is_back()
    {
        await using var server = await RedisServer.StartAsync("--maxmemory-policy", "allkeys-lru", "--appendonly", "yes");
        await using var connection = await server.ConnectAsync();
        var queue = await TestQueue.AtAsync(Start, connection);
        await server.KillAsync();
        var watch = new DangerWatch(_time);
        using var stop = new CancellationTokenSource();
        var running = watch.RunAsync("q", Line(queue), _logs.CreateLogger("w"), stop.Token);
        await Eventually.TrueAsync(() => _logs.Lines.Any(line => line.EventId.Id == 254), Seconds(30));

        await server.RestartAsync();
        await Eventually.TrueAsync(
            () =>
            {
                _time.Advance(Seconds(5));
                return watch.Found.Count == 1;
            },
            Seconds(30));

        await stop.CancelAsync();
        await running.WaitAsync(Seconds(10));
    }

    private static IReadOnlyList<CollectedLogs.Line> Warnings(CollectedLogs logs) => [.. logs.Lines.Where(line => line.EventId.Id == 252)];

    /// <summary>A worker's, over the test's own connection.</summary>
    private static RedisWorkerLine Line(TestQueue queue) => new(queue.Store, queue.Connection);

    private async Task<IReadOnlyList<ServerDanger>> LookAsync(RedisServer server)
    {
        await using var connection = await server.ConnectAsync();
        var queue = await TestQueue.AtAsync(Start, connection);
        var watch = new DangerWatch(_time);
        await watch.LookAsync("q", Line(queue), _logs.CreateLogger("worker"), default);
        return watch.Found;
    }
}
