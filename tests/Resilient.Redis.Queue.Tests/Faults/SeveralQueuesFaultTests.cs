using Microsoft.Extensions.DependencyInjection;
using Resilient.Redis.Queue.Tests.Integration;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Faults;

/// <summary>A worker of two queues on two servers, one of which is killed or frozen: the other queue goes on, with all slots.</summary>
public sealed class SeveralQueuesFaultTests : IAsyncLifetime
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(40);

    private readonly Script _script = new();
    private TestServer _first = null!;
    private TestServer _second = null!;

    public async Task InitializeAsync() => (_first, _second) = (await TestServer.StartAsync(), await TestServer.StartAsync());

    public async Task DisposeAsync()
    {
        await _first.DisposeAsync();
        await _second.DisposeAsync();
    }

    [Theory]
    [InlineData(0), InlineData(1)]
    public async Task Queue_whose_redis_is_killed_does_not_stop_the_other_and_goes_on_by_itself(int weight)
    {
        await using var host = await StartAsync(weight);
        await RunAsync(host, "second");

        await _first.KillAsync();
        for (var i = 0; i < 20; i++)
            await RunAsync(host, "second");
        await _first.RestartAsync();

        await EnqueueWhenThereAsync(host, "first");
        await Eventually.TrueAsync(() => _script.Runs.Any(run => run.What == "first"), s_deadline, () => host.Logs.Text);
        await RunAsync(host, "second");
    }

    [NeedsRedisServerFact("SIGSTOP is for a process of its own")]
    public async Task Queue_whose_redis_is_frozen_costs_the_other_one_half_a_second_and_no_slot()
    {
        using var release = new SemaphoreSlim(0);
        await using var host = await StartAsync(weight: 0);
        await RunAsync(host, "second");
        await Eventually.TrueAsync(() => host.Logs.Lines.Count(line => line.EventId.Id == 220) == 2, s_deadline);

        ((RedisServer)_first).Freeze();
        _script.Do = (_, _, token) => release.WaitAsync(token);
        for (var i = 0; i < 2; i++)
            await host.Queue("second").EnqueueAsync(new DoJob("both slots"));
        // Within the attempt's time-out of 2 s: the frozen one has not even failed yet.
        var took = await Eventually.TrueAsync(() => _script.Runs.Count(run => run.What == "both slots") == 2, s_deadline);
        ((RedisServer)_first).Thaw();

        took.Should().BeLessThan(TimeSpan.FromSeconds(4));
        release.Release(2);
        _script.Do = (_, _, _) => Task.CompletedTask;
        await EnqueueWhenThereAsync(host, "first");
        await Eventually.TrueAsync(() => _script.Runs.Any(run => run.What == "first"), s_deadline);
    }

    [Fact]
    public async Task Worker_starts_with_the_queue_whose_redis_is_there()
    {
        await _first.KillAsync();
        await using var host = await StartAsync(weight: 0);

        await RunAsync(host, "second");

        await _first.RestartAsync();
        await EnqueueWhenThereAsync(host, "first");
        await Eventually.TrueAsync(() => _script.Runs.Any(run => run.What == "first"), s_deadline);
    }

    /// <summary>One job of the queue, from enqueue to completion.</summary>
    private static async Task RunAsync(QueuesHost host, string queue)
    {
        var (id, _) = await host.Queue(queue).EnqueueAsync(new DoJob(queue));
        await Eventually.TrueAsync(async () => (await host.Queue(queue).GetAsync(id))!.State == JobState.Completed, s_deadline, () => host.Logs.Text);
    }

    private static async Task EnqueueWhenThereAsync(QueuesHost host, string queue)
    {
        while (true)
        {
            try
            {
                await host.Queue(queue).EnqueueAsync(new DoJob(queue));
                return;
            }
            catch (RedisUnavailableException)
            {
                await Task.Delay(50);
            }
        }
    }

    private Task<QueuesHost> StartAsync(int weight) => QueuesHost.StartAsync(services =>
    {
        services.AddSingleton(_script).AddResilientRedis(o => o.ConnectionString = _first.Endpoint)
            .AddQueue("first").AddHandler<DoJob, DoHandler>().AddWorker(o => o.Concurrency = 2).AlsoServing("second", weight);
        services.AddResilientRedis("other", o => o.ConnectionString = _second.Endpoint).AddQueue("second").AddHandler<DoJob, DoHandler>();
    });
}
