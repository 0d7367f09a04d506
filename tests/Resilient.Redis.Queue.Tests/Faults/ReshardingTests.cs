using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Resilient.Redis.Queue.Storage;
using Resilient.Redis.Queue.Tests.Integration;
using Resilient.Redis.TestKit;
using StackExchange.Redis;
using Xunit.Abstractions;

namespace Resilient.Redis.Queue.Tests.Faults;

/// <summary>Rule R5: a queue on Redis Cluster whose slot moves to another primary, key by key, while producers and workers go on.</summary>
public sealed class ReshardingTests(ITestOutputHelper output)
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(90);

    private readonly Script _script = new();

    [NeedsRedisServerFact("Redis Cluster")]
    public async Task Queue_whose_slot_moves_to_another_primary_and_back_under_load_loses_nothing_and_runs_nothing_twice()
    {
        const string Key = "{rrq:test}:";
        using var stop = new CancellationTokenSource();
        await using var cluster = await RedisCluster.StartAsync();
        await using var producer = await StartAsync(cluster, 0);
        await using var one = await StartAsync(cluster, 4);
        await using var other = await StartAsync(cluster, 4);
        using var finish = new SemaphoreSlim(0);
        _script.Do = (job, _, token) => job.What == "long" ? finish.WaitAsync(token) : Task.Delay(20, token);
        List<JobId> longs = [(await producer.Queue.EnqueueAsync(new DoJob("long"))).Id, (await producer.Queue.EnqueueAsync(new DoJob("long"))).Id];
        // Keys enough for many batches.
        await producer.Queue.EnqueueManyAsync(Enumerable.Range(0, 400).Select(_ => new DoJob("later")), new() { Delay = TimeSpan.FromHours(1) });
        var acknowledged = new ConcurrentQueue<JobId>();
        var producing = Task.WhenAll(ProduceAsync(), ProduceAsync());
        await Eventually.TrueAsync(() => _script.Runs.Count > 60, s_deadline, () => one.Logs.Text);
        var home = await cluster.ShardOfAsync(Key);
        var away = (home + 1) % RedisCluster.Shards;

        var slowly = System.Diagnostics.Stopwatch.StartNew();
        var moved = await cluster.MoveSlotAsync(Key, away, batch: 10, TimeSpan.FromMilliseconds(100)); // for longer than a lease
        await GoesOnAsync($"{moved} keys moved in {slowly.Elapsed.TotalSeconds:0.0} s");
        moved.Should().BeGreaterThan(400);
        (await cluster.ShardOfAsync(Key)).Should().Be(away);
        moved = await cluster.MoveSlotAsync(Key, home, batch: 100, TimeSpan.Zero);
        await GoesOnAsync($"{moved} keys moved back at once");

        await stop.CancelAsync();
        await producing;
        finish.Release(longs.Count);
        await Eventually.TrueAsync(async () => (await producer.Admin.CountAsync()).TotalCompleted == acknowledged.Count + longs.Count, s_deadline, () => one.Logs.Text);
        _script.Runs.Select(run => run.Id).Should().OnlyHaveUniqueItems("nothing ran twice").And.BeEquivalentTo(acknowledged.Concat(longs), "nothing was lost, and nothing made twice");
        _script.Runs.Should().OnlyContain(run => run.Attempt == 1);
        foreach (var worker in (QueueHost[])[one, other])
            worker.Logs.Lines.Should().NotContain(line => line.EventId.Id == 201 || line.EventId.Id == 202 || line.EventId.Id == 210 || line.EventId.Id == 215);
        await using var connection = await ConnectionMultiplexer.ConnectAsync(cluster.ConnectionString + ",allowAdmin=true");
        var options = new JobQueueOptions();
        var keys = new QueueKeys(options.KeyPrefix, "test");
        (await QueueState.ReadAsync(connection.GetDatabase(), keys, new RedisJobStore(new RawRedis(connection), keys, options, RedisScripts.Default))).CheckInvariants();

        async Task GoesOnAsync(string what)
        {
            var (runs, made) = (_script.Runs.Count, acknowledged.Count);
            var took = await Eventually.TrueAsync(() => _script.Runs.Count > runs + 20 && acknowledged.Count > made + 20, s_deadline, () => string.Join('\n', one.Logs.Lines.TakeLast(20)));
            output.WriteLine($"{what}: 20 more enqueued and run {took.TotalMilliseconds:0} ms after that.");
        }

        async Task ProduceAsync()
        {
            while (!stop.IsCancellationRequested)
            {
                var options = new EnqueueOptions { Id = JobId.New() };
                while (true)
                {
                    try
                    {
                        acknowledged.Enqueue((await producer.Queue.EnqueueAsync(new DoJob("x"), options)).Id);
                        break;
                    }
                    catch (RedisUnavailableException)
                    {
                        // The slot is on its way for longer than a call may take: the same id again.
                    }
                }

                await Task.Delay(10);
            }
        }
    }

    private Task<QueueHost> StartAsync(RedisCluster cluster, int concurrency) => QueueHost.StartAsync(
        cluster.ConnectionString,
        queue =>
        {
            queue.Services.AddSingleton(_script);
            if (concurrency > 0)
                queue.AddHandler<DoJob, DoHandler>().AddWorker(o => o.Concurrency = concurrency);
        },
        o => o.Lease = TimeSpan.FromSeconds(3));
}
