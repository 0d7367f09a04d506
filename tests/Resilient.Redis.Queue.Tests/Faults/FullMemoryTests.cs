using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Resilient.Redis.Queue.Tests.Integration;
using Resilient.Redis.TestKit;
using StackExchange.Redis;

namespace Resilient.Redis.Queue.Tests.Faults;

/// <summary>Rule R4: above maxmemory producers are refused, and real workers claim, extend and settle until there is room again.</summary>
public sealed class FullMemoryTests
{
    private static readonly TimeSpan s_lease = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(60);

    [NeedsRedisServerFact("CONFIG SET maxmemory")]
    public async Task Workers_of_a_full_server_finish_their_jobs_and_make_room_for_new_ones()
    {
        const int Jobs = 80;
        var script = new Script();
        await using var server = await RedisServer.StartAsync("--maxmemory-policy", "noeviction");
        await using var host = await QueueHost.StartAsync(
            server.Endpoint,
            queue =>
            {
                queue.Services.AddSingleton(script);
                queue.AddHandler<DoJob, DoHandler>().AddWorker(o => o.Concurrency = 4);
            },
            o => o.Lease = s_lease);
        using var finish = new SemaphoreSlim(0);
        script.Do = (job, _, token) => job.What == "long" ? finish.WaitAsync(token) : Task.CompletedTask;
        var (running, _) = await host.Queue.EnqueueAsync(new DoJob("long"));
        await Eventually.TrueAsync(() => script.Runs.Count == 1, s_deadline);
        await host.Admin.PauseAsync();
        for (var i = 0; i < Jobs; i++)
            await host.Queue.EnqueueAsync(new DoJob(new string('x', 100_000)));
        await using var raw = await server.ConnectAsync();
        await raw.GetDatabase().ExecuteAsync("CONFIG", "SET", "maxmemory", await UsedAsync(raw) - 1_000_000);

        var refused = await FluentActions.Awaiting(() => host.Queue.EnqueueAsync(new DoJob("new")).AsTask()).Should().ThrowAsync<RedisRefusedException>();
        refused.Which.ErrorCode.Should().Be("OOM");
        await Task.Delay(s_lease + TimeSpan.FromSeconds(1)); // long enough to lose a lease that could not be extended
        await host.Admin.ResumeAsync();
        await Eventually.TrueAsync(async () => (await host.Admin.CountAsync()).TotalCompleted == Jobs, s_deadline, () => host.Logs.Text);
        finish.Release();

        await Eventually.TrueAsync(async () => (await host.Queue.GetAsync(running))!.State == JobState.Completed, s_deadline);
        (await host.Queue.GetAsync(running))!.Should().BeEquivalentTo(new { Attempt = 1, Lapses = 0 });
        script.Runs.Should().HaveCount(Jobs + 1);
        var next = await host.Queue.EnqueueAsync(new DoJob("new"));
        await Eventually.TrueAsync(async () => (await host.Queue.GetAsync(next.Id))!.State == JobState.Completed, s_deadline);
        (await host.Admin.CountAsync()).TotalAccepted.Should().Be(Jobs + 2, "what was refused was not stored");
    }

    private static async Task<long> UsedAsync(ConnectionMultiplexer connection) =>
        long.Parse((await connection.GetServers()[0].InfoAsync("memory")).SelectMany(section => section).First(line => line.Key == "used_memory").Value, CultureInfo.InvariantCulture);
}
