using Resilient.Redis.Queue.Tests.Integration;
using Resilient.Redis.TestKit;
using StackExchange.Redis;

namespace Resilient.Redis.Queue.Tests.Faults;

/// <summary>Callers who meet share script calls; what happens to one of them happens to no other.</summary>
public sealed class SharedCallTests : IAsyncLifetime
{
    private const int Callers = 50;

    private static readonly TimeSpan s_total = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(20);

    private RedisServer _server = null!;
    private ConnectionMultiplexer _beside = null!;

    public async Task InitializeAsync()
    {
        if (!RedisServer.IsInstalled)
            return;
        _server = await RedisServer.StartAsync("--appendonly", "yes", "--appendfsync", "always");
        _beside = await _server.ConnectAsync();
    }

    public async Task DisposeAsync()
    {
        if (_server is null)
            return;
        await _beside.DisposeAsync();
        await _server.DisposeAsync();
    }

    [NeedsRedisServerFact("a server that is stopped")]
    public async Task Who_waits_for_calls_under_way_goes_together()
    {
        await using var host = await StartAsync();
        var before = await CallsAsync();

        _server.Freeze();
        Task<EnqueueResult>[] enqueues = [.. Enumerable.Range(0, Callers).Select(i => host.Queue.EnqueueAsync(new DoJob($"{i}")).AsTask())];
        _server.Thaw();
        var results = await Task.WhenAll(enqueues).WaitAsync(s_soon);

        results.Should().OnlyContain(result => result.Created);
        results.Select(result => result.Id).Should().OnlyHaveUniqueItems();
        (await host.Admin.CountAsync()).Waiting.Should().Be(Callers);
        (await CallsAsync() - before - 1).Should().Be(2, "one was under way, and all others went in the next; one more counted the jobs");
    }

    [NeedsRedisServerFact("a server that is stopped")]
    public async Task Who_stops_waiting_is_not_sent_and_the_others_are()
    {
        await using var host = await StartAsync();
        using var stop = new CancellationTokenSource();

        _server.Freeze();
        Task<EnqueueResult>[] underWay = [.. Enumerable.Range(0, 2).Select(i => host.Queue.EnqueueAsync(new DoJob($"{i}")).AsTask())];
        var stops = host.Queue.EnqueueAsync(new DoJob("stops"), new EnqueueOptions { Id = new JobId("stops") }, stop.Token).AsTask();
        var goesOn = host.Queue.EnqueueAsync(new DoJob("goes on")).AsTask();
        await stop.CancelAsync();
        await FluentActions.Awaiting(() => stops).Should().ThrowAsync<OperationCanceledException>();
        _server.Thaw();

        (await Task.WhenAll([.. underWay, goesOn]).WaitAsync(s_soon)).Should().OnlyContain(result => result.Created);
        (await host.Queue.GetAsync(new JobId("stops"))).Should().BeNull();
    }

    [NeedsRedisServerFact("a server that is stopped")]
    public async Task Same_id_from_two_callers_makes_one_job_and_each_learns_which()
    {
        await using var host = await StartAsync();
        var same = new EnqueueOptions { Id = new JobId("same") };

        _server.Freeze();
        Task<EnqueueResult>[] enqueues = [.. Enumerable.Range(0, 2).Select(i => host.Queue.EnqueueAsync(new DoJob($"{i}")).AsTask()),
            host.Queue.EnqueueAsync(new DoJob("a"), same).AsTask(), host.Queue.EnqueueAsync(new DoJob("b"), same).AsTask(),
            host.Queue.EnqueueAsync(new DoJob("c"), new EnqueueOptions { UniqueKey = "key" }).AsTask(), host.Queue.EnqueueAsync(new DoJob("d"), new EnqueueOptions { UniqueKey = "key" }).AsTask()];
        _server.Thaw();
        var results = await Task.WhenAll(enqueues).WaitAsync(s_soon);

        results.Select(result => result.Created).Should().Equal(true, true, true, false, true, false);
        results[5].HeldBy.Should().Be(results[4].Id);
        (await host.Admin.CountAsync()).Waiting.Should().Be(4);
    }

    [NeedsRedisServerFact("a server that is killed")]
    public async Task Failed_call_fails_for_each_of_its_callers_who_may_all_repeat_their_own()
    {
        await using var host = await StartAsync();

        _server.Freeze();
        Task[] enqueues = [.. Enumerable.Range(0, Callers).Select(i => RepeatAsync(host.Queue, new JobId($"job{i}")))];
        await _server.KillAsync();
        await _server.RestartAsync();
        await Task.WhenAll(enqueues).WaitAsync(s_soon);

        (await host.Admin.CountAsync()).Waiting.Should().Be(Callers);
    }

    private static async Task RepeatAsync(IJobQueue queue, JobId id)
    {
        while (true)
        {
            try
            {
                await queue.EnqueueAsync(new DoJob(id.Value), new EnqueueOptions { Id = id });
                return;
            }
            catch (RedisUnavailableException error)
            {
                error.Message.Should().Contain(id.Value, "each caller hears of its own job");
            }
        }
    }

    [NeedsRedisServerFact("a server that is stopped")]
    public async Task Nobody_waits_for_longer_than_the_time_of_their_own_call()
    {
        var total = TimeSpan.FromSeconds(2);
        await using var host = await StartAsync(total);

        _server.Freeze();
        var began = TimeProvider.System.GetTimestamp();
        Task<RedisUnavailableException>[] enqueues = [.. Enumerable.Range(0, Callers).Select(async i =>
            (await FluentActions.Awaiting(() => host.Queue.EnqueueAsync(new DoJob($"{i}")).AsTask()).Should().ThrowAsync<RedisUnavailableException>()).Which)];
        await Task.WhenAll(enqueues);
        var took = TimeProvider.System.GetElapsedTime(began);
        _server.Thaw();

        took.Should().BeLessThan(total + TimeSpan.FromSeconds(3));
    }

    [NeedsRedisServerFact("a server that is stopped")]
    public async Task Limit_refuses_the_call_that_is_too_much_and_no_other()
    {
        await using var host = await StartAsync(options: options => options.MaxLength = 3);

        _server.Freeze();
        Task<bool>[] enqueues = [.. Enumerable.Range(0, 6).Select(i => TryAsync(host, i))];
        _server.Thaw();

        (await Task.WhenAll(enqueues).WaitAsync(s_soon)).Count(accepted => accepted).Should().Be(3);
        (await host.Admin.CountAsync()).Waiting.Should().Be(3);
    }

    private static async Task<bool> TryAsync(QueueHost host, int i)
    {
        try
        {
            return (await host.Queue.EnqueueAsync(new DoJob($"{i}"))).Created;
        }
        catch (JobQueueFullException)
        {
            return false;
        }
    }

    /// <summary>Its connections are open and its scripts are known, so that all that follows is calls.</summary>
    private async Task<QueueHost> StartAsync(TimeSpan? total = null, Action<JobQueueOptions>? options = null)
    {
        var host = await QueueHost.StartAsync(
            _server.Endpoint, queue: null, options, redis => (redis.AttemptTimeout, redis.TotalTimeout) = ((total ?? s_total) / 2, total ?? s_total));
        await host.Admin.CountAsync();
        var first = await host.Queue.EnqueueAsync(new DoJob("first"));
        await host.Admin.RemoveAsync(first.Id);
        return host;
    }

    private async Task<long> CallsAsync()
    {
        var info = (string)(await _beside.GetDatabase().ExecuteAsync("INFO", "commandstats"))!;
        var line = info.Split('\n').Single(line => line.StartsWith("cmdstat_evalsha:", StringComparison.Ordinal));
        return long.Parse(line.Split("calls=")[1].Split(',')[0], System.Globalization.CultureInfo.InvariantCulture);
    }
}
