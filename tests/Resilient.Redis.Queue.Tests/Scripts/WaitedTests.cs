using System.Collections.Concurrent;
using Resilient.Redis.Queue.Storage;
using Resilient.Redis.TestKit;
using StackExchange.Redis;

namespace Resilient.Redis.Queue.Tests.Scripts;

/// <summary>Who waits for a job is told of its end by the script that ends it, whichever it is.</summary>
public sealed class WaitedTests(BothServers servers) : ScriptTests(servers)
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(20);

    [Theory, OnBothServersInEachStanding]
    public async Task Only_a_job_that_lives_is_waited_for_and_nothing_else_changes(ServerKind kind, Standing standing)
    {
        var queue = await QueueAsync(kind);
        await StandingJob.SeedAsync(queue, standing);
        var before = await queue.StateAsync();

        await LookAsync(queue, StandingJob.Id);
        await LookAsync(queue, StandingJob.Id);

        var lives = standing is not (Standing.Unknown or Standing.Completed or Standing.Dead or Standing.RecordMissing or Standing.RecordDamaged);
        var state = await queue.StateAsync();
        string[] expected = lives ? [StandingJob.Id] : [];
        state.Waited.Should().Equal(expected);
        (state with { Waited = [] }).Should().BeEquivalentTo(before);
    }

    [Theory, OnBothServersInEachStanding]
    public async Task Settlement_and_look_tell_of_each_end_and_of_nothing_else(ServerKind kind, Standing standing)
    {
        Outcome[] outcomes =
        [
            new Outcome.Completed(default), new Outcome.Failed(Seconds(1), "x"), new Outcome.Dead("x"), new Outcome.PutOff(Seconds(1), "x"),
            new Outcome.Unknown(Seconds(1), "x"), Outcome.Returned.Instance,
        ];
        foreach (var outcome in outcomes)
        {
            var queue = await QueueAsync(kind);
            var seeded = await StandingJob.SeedAsync(queue, standing);
            var heard = await HearAsync(queue);
            await LookAsync(queue, StandingJob.Id);
            // As if asked for before the record was lost or damaged.
            if (standing is Standing.RecordMissing or Standing.RecordDamaged)
                await queue.Database.HashSetAsync(queue.Keys.Waited, StandingJob.Id, (byte[])[0x91, 0xA1, (byte)'L']);
            var waited = (await queue.StateAsync()).Waited.Length > 0;

            await seeded.Me.CallAsync(0, false, new Settlement(seeded.Lease, outcome, true));

            var state = await queue.StateAsync();
            var ended = state.Jobs.GetValueOrDefault(StandingJob.Id)?.State is null or JobState.Completed or JobState.Dead or JobState.Cancelled;
            string[] one = waited ? [StandingJob.Id] : [];
            state.Waited.Should().Equal(ended ? Array.Empty<string>() : one);
            await ToldAsync(queue, heard, ended ? one : []);
            if (standing is not Standing.RecordMissing)
                state.CheckInvariants();
        }
    }

    [Theory, OnBothServers]
    public async Task Cancelling_and_recovering_tell_too(ServerKind kind)
    {
        var queue = await QueueAsync(kind, o => o.MaxDeliveries = 1);
        var heard = await HearAsync(queue);
        await EnqueueManyAsync(queue, 3);
        var worker = queue.Worker("lost");
        var jobs = await worker.ClaimAsync(2);
        foreach (var job in jobs)
            await worker.ExtendAsync(job);
        foreach (var id in (string[])["job0", "job1", "job2"])
            await LookAsync(queue, id);

        await queue.Store.CancelAsync(new JobId("job2"), "x", default);
        await ToldAsync(queue, heard, ["job2"]);
        await queue.Store.CancelAsync(new JobId("job1"), "x", default);
        (await queue.StateAsync()).Waited.Should().BeEquivalentTo(["job0", "job1"], "it runs on until its worker hears of it");
        await queue.PassAsync(Lease, queue.Worker("other"));

        var state = await queue.StateAsync();
        state.Jobs["job0"].State.Should().Be(JobState.Dead);
        state.Jobs["job1"].State.Should().Be(JobState.Cancelled);
        state.Waited.Should().BeEmpty();
        state.CheckInvariants();
        await ToldAsync(queue, heard, ["job0", "job1", "job2"]);
    }

    [Theory, OnBothServers]
    public async Task Many_processes_may_wait_for_one_job_and_damage_costs_only_their_bells(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await EnqueueManyAsync(queue, 2);
        var heard = await HearAsync(queue);
        for (var i = 0; i < 40; i++)
            await LookAsync(queue, "job0", $"process {i}");
        await LookAsync(queue, "job0");
        ((byte[])(await queue.Database.HashGetAsync(queue.Keys.Waited, "job0"))!).Length.Should().BeLessThan(300, "sixteen at most");
        await queue.Database.HashSetAsync(queue.Keys.Waited, "job1", "damaged");

        var worker = queue.Worker("w");
        var jobs = await worker.ClaimAsync(2);
        await worker.CallAsync(0, false, [.. jobs.Select(job => new Settlement(job, new Outcome.Completed(default), true))]);

        (await queue.StateAsync()).Waited.Should().BeEmpty();
        await ToldAsync(queue, heard, ["job0"]);
    }

    [NeedsRedisServerFact("CLIENT KILL TYPE")]
    public async Task Ear_whose_connection_was_cut_says_that_it_may_have_missed_something_and_hears_again()
    {
        var queue = await QueueAsync(ServerKind.RedisServer);
        await using var connection = await ConnectionMultiplexer.ConnectAsync(queue.Connection.Configuration);
        var (heard, missed) = (new ConcurrentBag<string>(), 0);
        var ear = await queue.StoreOn(connection).OpenEarAsync("L", heard.Add, () => Interlocked.Increment(ref missed), default);
        ear.Hears.Should().BeTrue();

        ((long)await queue.Database.ExecuteAsync("CLIENT", "KILL", "TYPE", "pubsub")).Should().BePositive();

        await Eventually.TrueAsync(() => Volatile.Read(ref missed) > 0 && ear.Hears, s_soon);
        await Eventually.TrueAsync(async () => await queue.Database.PublishAsync(queue.Keys.Heard("L"), "a") > 0 && heard.Contains("a"), s_soon);
        await connection.CloseAsync();
        ear.Hears.Should().BeFalse("its connection is given up");
    }

    /// <summary>A reconnect may open a second ear on the same connection before the first is closed.</summary>
    [NeedsRedisServerFact("one connection for both")]
    public async Task Ear_that_is_closed_leaves_its_successor_on_the_same_connection_hearing()
    {
        var queue = await QueueAsync(ServerKind.RedisServer);
        await using var connection = await ConnectionMultiplexer.ConnectAsync(queue.Connection.Configuration);
        var store = queue.StoreOn(connection);
        var heard = new ConcurrentBag<string>();
        var first = await store.OpenEarAsync("L", _ => { }, () => { }, default);
        var second = await store.OpenEarAsync("L", heard.Add, () => { }, default);

        await first.DisposeAsync();

        second.Hears.Should().BeTrue();
        await Eventually.TrueAsync(async () => await queue.Database.PublishAsync(queue.Keys.Heard("L"), "a") > 0 && heard.Contains("a"), s_soon);
        await second.DisposeAsync();
        await Eventually.TrueAsync(() => !second.Hears, s_soon);
    }

    private static ValueTask<JobInfo?> LookAsync(TestQueue queue, string id, string listener = "L") =>
        queue.Store.InspectAsync(new JobId(id), System.Text.Json.JsonSerializerOptions.Web, listener, default);

    private static async Task<ConcurrentBag<string>> HearAsync(TestQueue queue)
    {
        var heard = new ConcurrentBag<string>();
        await queue.Store.OpenEarAsync("L", heard.Add, () => { }, default);
        return heard;
    }

    /// <summary>A bell of the test's own comes after all that were rung before it.</summary>
    private static async Task ToldAsync(TestQueue queue, ConcurrentBag<string> heard, string[] expected)
    {
        var last = Guid.NewGuid().ToString("N");
        await queue.Database.PublishAsync(queue.Keys.Heard("L"), last);
        await Eventually.TrueAsync(() => heard.Contains(last) && heard.Count(id => id.Length < 32) >= expected.Length, s_soon);
        heard.Where(id => id.Length < 32).Should().BeEquivalentTo(expected);
    }
}
