using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Resilient.Redis.Queue.Tests.Integration;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Faults;

/// <summary>ReplicaAcks and RequireFsync: what an enqueue says of replicas that are there, frozen or missing, and of a primary that dies.</summary>
public sealed class ReplicaAckTests : IAsyncLifetime
{
    private static readonly TimeSpan s_ackTimeout = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private readonly List<RedisServer> _servers = [];

    private RedisServer Primary => _servers[0];

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (var server in _servers)
            await server.DisposeAsync();
    }

    [NeedsRedisServerFact("replicas")]
    public async Task Acknowledged_job_is_on_the_replica_when_the_primary_is_killed_at_once()
    {
        await StartServersAsync(replicas: 1);
        await using var host = await StartAsync(acks: 1);

        var one = await host.Queue.EnqueueAsync(new DoJob("one"));
        var many = await host.Queue.EnqueueManyAsync(Enumerable.Range(0, 1500).Select(i => new DoJob($"{i}")));
        await Primary.KillAsync();

        await using var replica = await _servers[1].ConnectAsync();
        foreach (var id in many.Select(result => result.Id).Append(one.Id))
            (await replica.GetDatabase().KeyExistsAsync($"{{rrq:test}}:j:{id}", StackExchange.Redis.CommandFlags.DemandReplica)).Should().BeTrue();
        (await replica.GetDatabase().ListLengthAsync("{rrq:test}:waiting", StackExchange.Redis.CommandFlags.DemandReplica)).Should().Be(1501);
    }

    [NeedsRedisServerFact("replicas")]
    public async Task Frozen_replica_is_told_in_time_and_the_job_is_accepted_and_holds_up_nobody_else()
    {
        await StartServersAsync(replicas: 1);
        await using var host = await StartAsync(acks: 1);
        await using var other = await StartAsync(acks: 0);
        await host.Queue.EnqueueAsync(new DoJob("warm"));
        await other.Queue.EnqueueAsync(new DoJob("warm"));
        _servers[1].Freeze();
        var options = new EnqueueOptions { Id = new JobId("mine") };

        var clock = Stopwatch.StartNew();
        var refused = Task.WhenAll(Enumerable.Range(0, 20).Select(_ => EnqueueRefusedAsync(host, options)));
        var slowest = TimeSpan.Zero;
        while (!refused.IsCompleted)
        {
            var began = clock.Elapsed;
            await other.Queue.EnqueueAsync(new DoJob("beside"));
            await host.Queue.GetAsync(new JobId("mine"));
            slowest = clock.Elapsed - began > slowest ? clock.Elapsed - began : slowest;
        }

        var errors = await refused;
        clock.Elapsed.Should().BeGreaterThan(s_ackTimeout * 0.9).And.BeLessThan(s_ackTimeout + TimeSpan.FromSeconds(3), "all waited at the same time");
        slowest.Should().BeLessThan(s_ackTimeout / 2, "WAIT stalls only its own connection");
        errors.Should().OnlyContain(error => error.Message.Contains("was accepted, but") && error.Results.Single().Id == new JobId("mine"));
        errors.Count(error => error.Results[0].Created).Should().Be(1);
        (await host.Queue.GetAsync(new JobId("mine")))!.State.Should().Be(JobState.Waiting);

        // A repeat finds the job, writes none, and still waits.
        (await EnqueueRefusedAsync(host, options)).Results.Single().Created.Should().BeFalse();
        _servers[1].Thaw();
        await Eventually.TrueAsync(async () => await ConfirmsAsync(host, options), s_patience);
    }

    [NeedsRedisServerFact("replicas")]
    public async Task Too_few_replicas_are_counted_and_of_many_the_answers_are_told()
    {
        await StartServersAsync(replicas: 1);
        await using var host = await StartAsync(acks: 2);

        var one = await EnqueueRefusedAsync(host, new());
        var many = (await FluentActions.Awaiting(() => host.Queue.EnqueueManyAsync(Enumerable.Range(0, 5).Select(i => new DoJob($"{i}"))).AsTask()).Should().ThrowAsync<JobNotReplicatedException>()).Which;

        one.Replicas.Should().Be(1);
        one.Message.Should().Contain("1 of the 2 replicas").And.Contain("ReplicaAcks");
        many.Results.Should().HaveCount(5).And.OnlyContain(result => result.Created);
        (await host.Admin.CountAsync()).Waiting.Should().Be(6);
    }

    [NeedsRedisServerFact("replicas")]
    public async Task Server_that_took_over_without_the_job_is_no_confirmation()
    {
        await StartServersAsync(replicas: 1);
        await using var connection = await Primary.ConnectAsync();
        await using var host = await StartAsync(acks: 1);
        var durability = new Storage.Durability(
            new Storage.QueueKeys("rrq", "test"), new JobQueueOptions { ReplicaAcks = 1 }, host.Services.GetRequiredService<IRedisConnectionFactory>(), TimeProvider.System);
        await using (durability)
        {
            var result = await host.Queue.EnqueueAsync(new DoJob("x"));
            (await durability.ConfirmAsync([result.Id], s_ackTimeout, default)).Should().Be(new Storage.Confirmation(true, 1, true, null));
            await connection.GetDatabase().KeyDeleteAsync($"{{rrq:test}}:j:{result.Id}");

            (await durability.ConfirmAsync([result.Id], s_ackTimeout, default)).HasJobs.Should().BeFalse();
        }
    }

    [NeedsRedisServerFact("WAITAOF is refused by name")]
    public async Task Server_without_waitaof_is_refused_by_name_and_nothing_is_enqueued()
    {
        await StartServersAsync(replicas: 0);
        await using var host = await StartAsync(acks: 0, fsync: true);
        if (await KnowsWaitAofAsync())
            return; // a newer server than this test is for

        var refused = (await FluentActions.Awaiting(() => host.Queue.EnqueueAsync(new DoJob("x")).AsTask()).Should().ThrowAsync<RedisRefusedException>()).Which;

        refused.Message.Should().Contain("RequireFsync").And.Contain("WAITAOF").And.Contain("7.2");
        (await host.Admin.CountAsync()).TotalAccepted.Should().Be(0);
    }

    [Fact]
    public async Task Server_without_wait_is_refused_by_name()
    {
        await using var garnet = await GarnetHost.StartAsync();
        await using var host = await StartAsync(acks: 1, endpoint: garnet.Endpoint);

        var refused = (await FluentActions.Awaiting(() => host.Queue.EnqueueAsync(new DoJob("x")).AsTask()).Should().ThrowAsync<RedisRefusedException>()).Which;

        refused.Message.Should().Contain("ReplicaAcks needs WAIT");
        (await host.Admin.CountAsync()).TotalAccepted.Should().Be(0);
    }

    [NeedsRedisServerFact("a cluster")]
    public async Task On_a_cluster_the_node_of_the_queues_slot_is_asked()
    {
        await using var cluster = await RedisCluster.StartAsync();
        await using var host = await StartAsync(acks: 1, endpoint: cluster.ConnectionString);

        (await host.Queue.EnqueueAsync(new DoJob("x"))).Created.Should().BeTrue();
    }

    private async Task StartServersAsync(int replicas)
    {
        _servers.Add(await RedisServer.StartAsync("--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "0"));
        for (var i = 0; i < replicas; i++)
            _servers.Add(await RedisServer.StartAsync("--replicaof", $"127.0.0.1 {Primary.Port}"));
        await using var connection = await Primary.ConnectAsync();
        await Eventually.TrueAsync(
            async () => (long)await connection.GetDatabase().ExecuteAsync("WAIT", 0, 1) == replicas && ((string)(await connection.GetDatabase().ExecuteAsync("INFO", "replication"))!).Split("state=online").Length == replicas + 1,
            s_patience);
    }

    private async Task<bool> KnowsWaitAofAsync()
    {
        await using var connection = await Primary.ConnectAsync();
        return connection.GetServers()[0].Version >= new Version(7, 1, 240);
    }

    private Task<QueueHost> StartAsync(int acks, bool fsync = false, string? endpoint = null) => QueueHost.StartAsync(
        endpoint ?? Primary.Endpoint, options: o => (o.ReplicaAcks, o.ReplicaAckTimeout, o.RequireFsync) = (acks, s_ackTimeout, fsync));

    private static async Task<JobNotReplicatedException> EnqueueRefusedAsync(QueueHost host, EnqueueOptions options) =>
        (await FluentActions.Awaiting(() => host.Queue.EnqueueAsync(new DoJob("x"), options).AsTask()).Should().ThrowAsync<JobNotReplicatedException>()).Which;

    private static async Task<bool> ConfirmsAsync(QueueHost host, EnqueueOptions options)
    {
        try
        {
            return !(await host.Queue.EnqueueAsync(new DoJob("x"), options)).Created;
        }
        catch (JobNotReplicatedException)
        {
            return false;
        }
    }
}
