using Resilient.Redis.Queue.Storage;
using Resilient.Redis.Queue.Tests.Integration;
using Resilient.Redis.TestKit;
using Xunit.Abstractions;

namespace Resilient.Redis.Queue.Tests.Promises;

/// <summary>A payload that cannot be read, or a job that kills its worker time after time, ends up dead with its reason; only deliveries whose handler was started count.</summary>
public sealed class Promise8_PoisonIsBounded(ITestOutputHelper output) : PromiseTest(output)
{
    /// <summary>All fifty are lost with their worker each time, until the suspects are handed out one at a time: then the killer dies alone (rule R17).</summary>
    [NeedsRedisServerFact("a job that kills its process")]
    public async Task Killer_in_a_claim_of_fifty_is_dead_after_so_many_deliveries_and_the_others_complete()
    {
        const int MaxDeliveries = 3;
        await using var producer = await StartAsync(options: o => o.MaxDeliveries = MaxDeliveries);
        string[] whats = [.. Enumerable.Repeat("work:30", 24), "kill:0", .. Enumerable.Repeat("work:30", 25)];
        var ids = (await producer.Queue.EnqueueManyAsync(whats.Select(what => new DoJob(what)))).Select(result => result.Id).ToList();
        var killer = ids[24];

        var clock = System.Diagnostics.Stopwatch.StartNew();
        var killed = 0;
        // An orchestrator: it starts another as often as one ends.
        while (await CountsAsync(producer) is not { TotalCompleted: 49, Dead: 1 })
        {
            await using var worker = StartProcess(concurrency: 50, maxDeliveries: MaxDeliveries);
            await Eventually.TrueAsync(async () => worker.Process.HasExited || await CountsAsync(producer) is { TotalCompleted: 49, Dead: 1 }, Deadline, () => string.Join('\n', worker.Process.Lines));
            killed += worker.Process.HasExited ? 1 : 0;
            killed.Should().BeLessThanOrEqualTo(MaxDeliveries + 2, "two losses that nobody can pin on it, then each counts");
        }

        Output.WriteLine($"A claim of fifty with a killer in it: {killed} processes killed in {clock.Elapsed.TotalSeconds:0} s, then the killer was dead and 49 had completed.");
        var dead = (await producer.Queue.GetAsync(killer))!;
        dead.Error.Should().Contain(nameof(JobQueueOptions.MaxDeliveries));
        dead.Should().BeEquivalentTo(new { State = JobState.Dead, Attempt = 0, Lapses = MaxDeliveries });
        await CompletedAtFirstAttemptAsync(producer, ids.Where(id => id != killer), lapsesToo: false);
    }

    [NeedsRedisServerFact("a server of its own")]
    public async Task Payload_type_and_record_that_nobody_can_read_are_dead_with_their_reason_and_stop_nobody()
    {
        await using var host = await StartAsync(1, options: o => (o.MaxDeliveries, o.BackoffMax) = (2, TimeSpan.FromMilliseconds(200)));
        await using var raw = await Redis.ConnectAsync();
        var options = new JobQueueOptions();
        var keys = new QueueKeys(options.KeyPrefix, "test");
        var store = new RedisJobStore(new RawRedis(raw), keys, options, RedisScripts.Default);
        await host.Admin.PauseAsync();
        await store.EnqueueAsync(
            [
                TestQueue.Job("envelope") with { Name = "test.do", Body = [9, 9, 9] },
                TestQueue.Job("json") with { Name = "test.do", Body = JobEnvelope.Write("{\"what\":["u8, null) },
                TestQueue.Job("type") with { Name = "nobody.knows" },
                TestQueue.Job("record"),
            ],
            await store.GetServerTimeAsync(default) + 60_000, default);
        var good = (await EnqueueAsync(host, "good"))[0];
        await raw.GetDatabase().StringSetAsync(keys.Job(new("record")), "no record");

        await host.Admin.ResumeAsync();

        await StateAsync(host, good, JobState.Completed);
        foreach (var (id, reason) in new[] { ("envelope", "envelope is damaged"), ("json", "payload of 'test.do' cannot be read"), ("type", "No worker here has a handler"), ("record", "stored job cannot be read") })
            (await StateAsync(host, new JobId(id), JobState.Dead)).Error.Should().Contain(reason);
        (await StateOfQueueAsync()).CheckInvariants();
    }
}
