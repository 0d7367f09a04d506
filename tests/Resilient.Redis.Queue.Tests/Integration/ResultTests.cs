using Microsoft.Extensions.DependencyInjection;
using Resilient.Redis.TestKit;
using StackExchange.Redis;
using Xunit.Abstractions;

namespace Resilient.Redis.Queue.Tests.Integration;

/// <summary>A waiting caller is told, and does not ask again and again.</summary>
public sealed class ResultTests(BothServers servers, ITestOutputHelper output) : QueueTestBase(servers)
{
    [NeedsRedisServerFact("INFO commandstats")]
    public async Task Thousand_callers_on_a_thousand_jobs_look_twice_each()
    {
        const int Jobs = 1000;
        await using var producer = await StartProducerAsync(ServerKind.RedisServer);
        var server = (await ConnectionMultiplexer.ConnectAsync(await EndpointAsync(ServerKind.RedisServer) + ",allowAdmin=true")).GetServers()[0];
        var enqueued = await producer.Queue.EnqueueManyAsync(Enumerable.Range(0, Jobs).Select(i => new DoJob($"{i}")));
        Script.Do = (_, context, _) =>
        {
            context.SetResult(1);
            return Task.CompletedTask;
        };
        await server.ConfigResetStatisticsAsync();
        var waiting = enqueued.Select(async result =>
        {
            await producer.Queue.WaitForResultAsync<int>(result.Id, TimeSpan.FromMinutes(2));
            return (result.Id, At: TimeProvider.System.GetUtcNow());
        }).ToArray();
        await Eventually.TrueAsync(async () => await CallsAsync(server, "hset") >= Jobs, TimeSpan.FromMinutes(1), () => "all callers have asked to be told");
        var before = await CallsAsync(server, "get");

        await using var worker = await StartAsync(ServerKind.RedisServer, o => (o.Concurrency, o.Prefetch) = (50, 200));
        var ends = await Task.WhenAll(waiting);

        // A worker's call reads its lane, and writes it; the records of the jobs that it ends are written together, by MSET.
        var after = await CallsAsync(server, "get") - before - await CallsAsync(server, "set");
        var delays = new List<double>();
        foreach (var (id, at) in ends)
            delays.Add((at - (await producer.Queue.GetAsync(id))!.EndedAt!.Value).TotalMilliseconds);
        delays.Sort();
        output.WriteLine($"looks before the end: {before}, after it: {after}; ms from settlement to caller: median {delays[Jobs / 2]:0}, worst {delays[^1]:0}");
        before.Should().BeInRange(Jobs, Jobs * 3 / 2, "a look each, and a second by who came before the subscription stood");
        after.Should().BeInRange(Jobs, Jobs * 3 / 2, "another look each");
        await server.Multiplexer.DisposeAsync();
    }

    [Theory, OnBothServers]
    public async Task Bell_that_is_lost_costs_no_more_than_a_later_look(ServerKind kind)
    {
        await using var host = await StartAsync(kind);
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Script.Do = async (_, context, _) =>
        {
            await go.Task;
            context.SetResult(7);
        };
        var (id, _) = await host.Queue.EnqueueAsync(new DoJob("x"));
        var waiting = host.Queue.WaitForResultAsync<int>(id, TimeSpan.FromMinutes(1));
        await using var connection = await ConnectionMultiplexer.ConnectAsync(await EndpointAsync(kind));
        await Eventually.TrueAsync(() => connection.GetDatabase().KeyDeleteAsync($"{{{Prefix}:test}}:waited"), Soon, () => "it has asked to be told");

        go.SetResult();

        (await waiting).Should().Be(7);
    }

    [NeedsRedisServerFact("ACL")]
    public async Task User_without_channel_rights_gets_results_too()
    {
        var endpoint = await EndpointAsync(ServerKind.RedisServer);
        await using var connection = await ConnectionMultiplexer.ConnectAsync(endpoint);
        await connection.GetDatabase().ExecuteAsync("ACL", "SETUSER", "nochannels", "on", ">secret", "~*", "+@all", "resetchannels");
        await using var host = await QueueHost.StartAsync($"{endpoint},user=nochannels,password=secret", queue =>
        {
            queue.Services.AddSingleton(Script);
            queue.AddHandler<DoJob, DoHandler>().AddWorker();
        }, o => o.KeyPrefix = Prefix);
        Script.Do = (_, context, _) =>
        {
            context.SetResult(7);
            return Task.CompletedTask;
        };

        var (id, _) = await host.Queue.EnqueueAsync(new DoJob("x"));

        (await host.Queue.WaitForResultAsync<int>(id, TimeSpan.FromMinutes(1))).Should().Be(7);
    }

    private static async Task<long> CallsAsync(IServer server, string command) =>
        (await server.InfoAsync("commandstats")).SelectMany(section => section).Where(line => line.Key == "cmdstat_" + command)
            .Select(line => long.Parse(line.Value.Split('=', ',')[1], System.Globalization.CultureInfo.InvariantCulture)).SingleOrDefault();
}
