using Resilient.Redis.Queue.Storage;
using Resilient.Redis.TestKit;
using StackExchange.Redis;

namespace Resilient.Redis.Queue.Tests.Scripts;

/// <summary>Each kind of damage, made by hand: the audit finds exactly it, mends it, and then finds nothing.</summary>
public sealed class AuditTests(BothServers servers) : ScriptTests(servers)
{
    private static readonly (string What, AuditFindingKind Kind, string Subject, Func<TestQueue, Task> Do)[] s_damages =
    [
        ("record of a waiting job deleted", AuditFindingKind.NoRecord, "waits1", queue => queue.DeleteRecordAsync("waits1")),
        ("record of a scheduled job deleted", AuditFindingKind.NoRecord, "later", queue => queue.DeleteRecordAsync("later")),
        ("record of an active job deleted", AuditFindingKind.NoRecord, "runs", queue => queue.DeleteRecordAsync("runs")),
        ("record of a dead job deleted", AuditFindingKind.NoRecord, "dies", queue => queue.DeleteRecordAsync("dies")),
        ("record of a completed job deleted", AuditFindingKind.NoRecord, "ends", queue => queue.DeleteRecordAsync("ends")),
        ("waiting job taken out of its line", AuditFindingKind.NoPlace, "waits1", queue => queue.Database.ListRemoveAsync(queue.Keys.Waiting, "waits1")),
        ("suspect taken out of its line", AuditFindingKind.NoPlace, "suspect", queue => queue.Database.KeyDeleteAsync(queue.Keys.Suspect)),
        ("scheduled job forgotten", AuditFindingKind.NoPlace, "later", queue => queue.Database.KeyDeleteAsync(queue.Keys.Scheduled)),
        ("dead job forgotten", AuditFindingKind.NoPlace, "dies", queue => queue.Database.KeyDeleteAsync(queue.Keys.Dead)),
        ("completed job forgotten", AuditFindingKind.NoPlace, "ends", queue => queue.Database.SortedSetRemoveAsync(queue.Keys.Done, "ends")),
        ("active job forgotten", AuditFindingKind.NoPlace, "runs", async queue => await queue.Database.KeyDeleteAsync([queue.Keys.Active, queue.Keys.Leases])),
        ("waiting job twice in line", AuditFindingKind.TwoPlaces, "waits1", queue => queue.Database.ListRightPushAsync(queue.Keys.Waiting, "waits1")),
        ("waiting job among the suspects", AuditFindingKind.TwoPlaces, "waits1", queue => queue.Database.ListRightPushAsync(queue.Keys.Suspect, "waits1")),
        ("waiting job scheduled", AuditFindingKind.TwoPlaces, "waits1", queue => queue.Database.SortedSetAddAsync(queue.Keys.Scheduled, "waits1", Start + 1)),
        ("active job in line", AuditFindingKind.TwoPlaces, "runs", queue => queue.Database.ListLeftPushAsync(queue.Keys.Waiting, "runs")),
        ("dead job in line", AuditFindingKind.TwoPlaces, "dies", queue => queue.Database.ListLeftPushAsync(queue.Keys.Waiting, "dies")),
        ("completed job scheduled", AuditFindingKind.TwoPlaces, "ends", queue => queue.Database.SortedSetAddAsync(queue.Keys.Scheduled, "ends", Start + 1)),
        ("dead job among the completed", AuditFindingKind.WrongPlace, "dies", queue => MoveAsync(queue, "dies", queue.Keys.Dead, queue.Keys.Done)),
        ("scheduled job among the dead", AuditFindingKind.WrongPlace, "later", queue => MoveAsync(queue, "later", queue.Keys.Scheduled, queue.Keys.Dead)),
        ("lease deleted", AuditFindingKind.NoLease, "runs", queue => queue.Database.KeyDeleteAsync(queue.Keys.Leases)),
        ("deadline deleted", AuditFindingKind.NoDeadline, "runs", queue => queue.Database.KeyDeleteAsync(queue.Keys.Active)),
        ("lease of a completed job", AuditFindingKind.NoDeadline, "ends", queue => queue.Database.HashSetAsync(queue.Keys.Leases, "ends", "lease")),
        ("unique key of nobody", AuditFindingKind.UniqueKeyStale, "nobody's", queue => queue.Database.StringSetAsync(queue.Keys.Unique("nobody's"), "unknown")),
        ("unique key of a job that has ended", AuditFindingKind.UniqueKeyStale, "old", queue => queue.Database.StringSetAsync(queue.Keys.Unique("old"), "ends")),
        ("outbox that cannot be read", AuditFindingKind.OutboxUnreadable, "spoiled", queue => queue.Database.HashSetAsync(queue.Keys.Outbox, "spoiled", "damaged")),
        ("passed over without reason", AuditFindingKind.PassedOverInVain, "nowhere", queue => queue.Database.SetAddAsync(queue.Keys.Skip, "nowhere")),
        ("jobs missing", AuditFindingKind.CountsDiffer, "", queue => queue.Database.HashIncrementAsync(queue.Keys.Stats, "accepted", 2)),
        ("jobs too many", AuditFindingKind.CountsDiffer, "", queue => queue.Database.HashDecrementAsync(queue.Keys.Stats, "completed", -3)),
    ];

    public static TheoryData<ServerKind, string> Damages
    {
        get
        {
            var data = new TheoryData<ServerKind, string>();
            foreach (var server in new OnBothServersAttribute().GetData(null!))
            {
                foreach (var damage in s_damages)
                    data.Add((ServerKind)server[0], damage.What);
            }

            return data;
        }
    }

    [Theory, MemberData(nameof(Damages))]
    public async Task Damage_is_found_alone_mended_and_gone(ServerKind kind, string what)
    {
        var (_, finding, subject, damageAsync) = s_damages.Single(damage => damage.What == what);
        var queue = await SeededAsync(kind);
        await damageAsync(queue);
        var damaged = await queue.StateAsync();

        var found = await queue.Store.AuditAsync(false, default);

        found.Findings.Select(one => (one.Kind, one.Subject, one.Repaired)).Should().Equal((finding, subject, false));
        (await queue.StateAsync()).Should().BeEquivalentTo(damaged, "nobody has asked for a repair");
        var mended = await queue.Store.AuditAsync(true, default);
        mended.Findings.Select(one => (one.Kind, one.Subject, one.Repaired)).Should().Equal((finding, subject, true));
        (await queue.Store.AuditAsync(false, default)).Findings.Should().BeEmpty();
        var state = await queue.StateAsync();
        state.CheckInvariants();
        damaged.Jobs.Keys.Should().BeEquivalentTo(state.Jobs.Keys, "no repair loses a job");
        await AllRunAsync(queue, state);
    }

    [Theory, OnBothServers]
    public async Task Sound_queue_has_no_findings_and_a_repair_changes_nothing(ServerKind kind)
    {
        var queue = await SeededAsync(kind);
        var before = await queue.StateAsync();

        var report = await queue.Store.AuditAsync(true, default);

        report.Findings.Should().BeEmpty();
        report.Jobs.Should().BeGreaterThanOrEqualTo(before.Jobs.Count);
        (await queue.StateAsync()).Should().BeEquivalentTo(before);
        (await (await QueueAsync(kind)).Store.AuditAsync(true, default)).Findings.Should().BeEmpty("a queue that nobody has used is sound");
    }

    [Theory, OnBothServersInEachStanding]
    public async Task Only_a_vanished_record_is_found_wherever_a_job_stands(ServerKind kind, Standing standing)
    {
        var queue = await QueueAsync(kind);
        await StandingJob.SeedAsync(queue, standing);

        var report = await queue.Store.AuditAsync(true, default);

        report.Findings.Select(finding => finding.Kind).Should().Equal(standing is Standing.RecordMissing ? [AuditFindingKind.NoRecord] : []);
        (await queue.StateAsync()).Waiting.Should().HaveCount(standing is Standing.Waiting or Standing.Recovered ? 1 : 0);
    }

    [Theory, OnBothServers]
    public async Task All_damages_at_once_are_mended(ServerKind kind)
    {
        var queue = await SeededAsync(kind);
        foreach (var damage in s_damages)
            await damage.Do(queue);

        (await queue.Store.AuditAsync(true, default)).Findings.Should().HaveCountGreaterThan(8);

        (await queue.Store.AuditAsync(false, default)).Findings.Should().BeEmpty();
        (await queue.StateAsync()).CheckInvariants();
    }

    [Theory, OnBothServers]
    public async Task Unreadable_outbox_entry_is_kept_for_a_person(ServerKind kind)
    {
        var queue = await SeededAsync(kind);
        await queue.Database.HashSetAsync(queue.Keys.Outbox, "spoiled", "damaged");

        await queue.Store.AuditAsync(true, default);

        (await queue.Database.HashGetAsync(queue.Keys.UnreadableOutbox, "spoiled")).Should().Be((RedisValue)"damaged");
        (await queue.Store.ReadOutboxAsync(default)).Should().ContainSingle("the others are where they were");
    }

    [Theory, OnBothServers]
    public async Task Counts_tell_by_how_much_they_differ(ServerKind kind)
    {
        var queue = await SeededAsync(kind);
        await queue.Database.HashIncrementAsync(queue.Keys.Stats, "accepted", 2);

        (await queue.Store.AuditAsync(false, default)).Findings.Single().Should().BeEquivalentTo(new { Difference = -2 });
    }

    /// <summary>More than a page of each, and a line that is too long to be searched.</summary>
    [Theory, OnBothServers]
    public async Task Long_line_is_audited_in_pages(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        foreach (var part in Enumerable.Range(0, 10_600).Chunk(1000))
            await queue.EnqueueManyAsync([.. part.Select(i => TestQueue.Job($"job{i}"))]);
        await queue.Store.CancelAsync(new JobId("job10300"), "x", default);
        await queue.Store.RemoveAsync(new JobId("job10301"), default);
        await queue.Database.ListRemoveAsync(queue.Keys.Waiting, "job5000");
        await queue.Database.ListRightPushAsync(queue.Keys.Waiting, "job200");

        var report = await queue.Store.AuditAsync(true, default);

        report.Findings.Select(finding => (finding.Kind, finding.Subject)).Should().BeEquivalentTo(
            [(AuditFindingKind.NoPlace, "job5000"), (AuditFindingKind.TwoPlaces, "job200")]);
        (await queue.Store.AuditAsync(false, default)).Findings.Should().BeEmpty();
        (await queue.Store.CountAsync(default)).Waiting.Should().Be(10_598);
    }

    /// <summary>A job in each standing, a unique key, and a follow-up for another queue.</summary>
    private async Task<TestQueue> SeededAsync(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        var worker = queue.Worker("w");
        await queue.EnqueueManyAsync(TestQueue.Job("dies"), TestQueue.Job("ends"), TestQueue.Job("runs"));
        var jobs = await worker.ClaimAsync(3);
        await worker.SettleAsync(jobs[0], new Outcome.Dead("hopeless"));
        await worker.SettleAsync(jobs[1], new Outcome.Completed(default, [new FollowUp(TestQueue.Job("follow-up"), "elsewhere")]));
        await queue.EnqueueManyAsync(
            TestQueue.Job("waits0"), TestQueue.Job("waits1"), TestQueue.Job("holds") with { UniqueKey = "k" }, TestQueue.Job("later", Seconds(60)),
            TestQueue.Job("timed") with { UniqueKey = "timed", UniqueFor = Seconds(60) }, TestQueue.Job("cancelled"), TestQueue.Job("suspect"));
        await queue.EnqueueManyAsync(TestQueue.Job("refused") with { UniqueKey = "k" });
        await queue.Database.ListRightPopLeftPushAsync(queue.Keys.Waiting, queue.Keys.Suspect);
        await queue.Store.CancelAsync(new JobId("cancelled"), "x", default);
        return queue;
    }

    private static async Task MoveAsync(TestQueue queue, string id, RedisKey from, RedisKey to)
    {
        await queue.Database.SortedSetRemoveAsync(from, id);
        await queue.Database.SortedSetAddAsync(to, id, Start + 1_000_000);
    }

    /// <summary>What is live comes to an end, and all is conserved.</summary>
    private static async Task AllRunAsync(TestQueue queue, QueueState state)
    {
        var worker = queue.Worker("last");
        await queue.PassAsync(Seconds(100), worker);
        while (await worker.ClaimAsync() is [var job])
            await worker.SettleAsync(job, new Outcome.Completed(default));
        var end = await queue.StateAsync();
        (end.Waiting.Length, end.Suspect.Length, end.Scheduled.Count, end.Active.Count).Should().Be((0, 0, 0, 0));
        end.Stat("completed").Should().Be(state.Stat("completed") + state.Waiting.Length + state.Suspect.Length + state.Scheduled.Count + state.Active.Count);
        end.CheckInvariants();
    }
}
