using Resilient.Redis.Queue.Storage;
using Resilient.Redis.TestKit;
using StackExchange.Redis;

namespace Resilient.Redis.Queue.Tests.Scripts;

/// <summary>What a job tells of the deliveries that did not end well.</summary>
public sealed class HistoryTests(BothServers servers) : ScriptTests(servers)
{
    private const string Worker = "0123456789abcdefghijkl@shap-1";

    [Theory, OnBothServers]
    public async Task Each_bad_end_is_told_with_its_time_worker_and_error(ServerKind kind)
    {
        (Outcome Outcome, bool Started, JobAttemptOutcome? Expected)[] ends =
        [
            (new Outcome.Completed(default), true, null),
            (new Outcome.Failed(Seconds(5), "it threw"), true, JobAttemptOutcome.Failed),
            (new Outcome.Unknown(Seconds(5), "no handler"), false, JobAttemptOutcome.UnknownType),
            (new Outcome.Dead("hopeless"), true, JobAttemptOutcome.Hopeless),
            (new Outcome.PutOff(Seconds(5), "later"), true, null),
            (Outcome.Returned.Instance, false, null),
        ];
        foreach (var (outcome, started, expected) in ends)
        {
            var queue = await QueueAsync(kind);
            await queue.EnqueueAsync("a");
            var worker = queue.Worker(Worker);
            var job = (await worker.ClaimAsync()).Single();
            await queue.MoveToAsync(Start + 700);

            await worker.SettleAsync(job, outcome, started);

            var history = (await queue.InspectAsync("a"))!.History;
            if (expected is { } what)
                history.Should().Equal([new JobAttempt(1, At(700), "shap-1", what, (await queue.InspectAsync("a"))!.Error)], outcome.GetType().Name);
            else
                history.Should().BeEmpty(outcome.GetType().Name);
            (await queue.StateAsync()).CheckInvariants();
        }
    }

    [Theory, OnBothServers]
    public async Task History_goes_on_through_lost_workers_death_and_requeue(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await queue.EnqueueAsync("a", maxAttempts: 2);
        var (one, two) = (queue.Worker(Worker), queue.Worker("older worker"));
        await one.SettleAsync((await one.ClaimAsync()).Single(), new Outcome.Failed(TimeSpan.Zero, "first"));
        (await two.ClaimAsync()).Should().ContainSingle();
        await queue.PassAsync(Lease, one);
        await one.SettleAsync((await one.ClaimAsync()).Single(), new Outcome.Failed(TimeSpan.Zero, "second"));
        (await queue.InspectAsync("a"))!.State.Should().Be(JobState.Dead);

        (await queue.Store.RequeueAsync(new JobId("a"), default)).Should().Be(ReplyCode.Accepted);
        await one.SettleAsync((await one.ClaimAsync()).Single(), new Outcome.Completed(default));

        (await queue.InspectAsync("a"))!.History.Should().Equal(
            new JobAttempt(1, At(0), "shap-1", JobAttemptOutcome.Failed, "first"),
            new JobAttempt(2, At(10_000), "older worker", JobAttemptOutcome.WorkerLost, null),
            new JobAttempt(2, At(10_000), "shap-1", JobAttemptOutcome.Failed, "second"),
            new JobAttempt(2, At(10_000), null, JobAttemptOutcome.Requeued, null));
        (await queue.StateAsync()).CheckInvariants();
    }

    [Theory, OnBothServers]
    public async Task Only_the_last_twenty_are_kept_and_a_long_error_is_cut_between_characters(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await queue.EnqueueAsync("a", maxAttempts: 100);
        var worker = queue.Worker(Worker);
        for (var i = 1; i <= 23; i++)
            await worker.SettleAsync((await worker.ClaimAsync()).Single(), new Outcome.Failed(TimeSpan.Zero, $"{i} {new string('€', 400)}"));

        var job = (await queue.InspectAsync("a"))!;

        job.History.Select(attempt => attempt.Attempt).Should().Equal(Enumerable.Range(4, 20));
        job.History[^1].Error.Should().Be("23 " + new string('€', 165), "500 bytes end within the 166th");
        job.Error.Should().HaveLength(403, "the last error is kept whole");
    }

    /// <summary>Rule R1: it costs the history only, whatever stands there.</summary>
    [Theory, OnBothServers]
    public async Task Damaged_history_costs_only_the_history(ServerKind kind)
    {
        byte[][] damages = ["damaged"u8.ToArray(), [0xC1], [0x92, 1, 2], [0x81, 1, 2], [0x91, 0x95, 0xA0, 1, 0xA0, 1, 0xA0], [0x91, 0x95, 1, 1, 0xC0, 1, 0xA0], [0xDD, 0xFF, 0xFF, 0xFF, 0xFF]];
        foreach (var damage in damages)
        {
            var queue = await QueueAsync(kind);
            await queue.EnqueueAsync("a", maxAttempts: 9);
            var worker = queue.Worker(Worker);
            await worker.SettleAsync((await worker.ClaimAsync()).Single(), new Outcome.Failed(TimeSpan.Zero, "before"));
            await DamageHistoryAsync(queue, damage);
            (await queue.InspectAsync("a"))!.Should().BeEquivalentTo(new { State = JobState.Waiting, Error = "before", History = Array.Empty<JobAttempt>() });

            await worker.SettleAsync((await worker.ClaimAsync()).Single(), new Outcome.Failed(TimeSpan.Zero, "after"));

            (await queue.InspectAsync("a"))!.History.Select(attempt => attempt.Error).Should().Equal(["after"], Convert.ToHexString(damage));
            (await queue.StateAsync()).CheckInvariants();
        }
    }

    private static async Task DamageHistoryAsync(TestQueue queue, byte[] damage)
    {
        const string Script = """
            local record = redis.call('GET', KEYS[2])
            local fields = cmsgpack.unpack(record:sub(2))
            fields[16] = ARGV[1]
            redis.call('SET', KEYS[2], record:sub(1, 1) .. cmsgpack.pack(fields))
            """;
        await queue.Database.ScriptEvaluateAsync(Script, [queue.Keys.Root, queue.Keys.Job(new JobId("a"))], [damage]);
    }

    private static DateTimeOffset At(long ms) => DateTimeOffset.FromUnixTimeMilliseconds(Start + ms);
}
