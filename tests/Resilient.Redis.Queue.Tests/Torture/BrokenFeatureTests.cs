using Resilient.Redis.Queue.Torture.Checking;
using Resilient.Redis.Queue.Torture.Recording;
using static Resilient.Redis.Queue.Tests.Torture.ForgedHistory;

namespace Resilient.Redis.Queue.Tests.Torture;

/// <summary>As <see cref="BrokenHistoryTests"/>, for follow-ups, unique keys, batches, cancellation, progress and poison.</summary>
public sealed class BrokenFeatureTests
{
    [Fact]
    public void Follow_up_of_a_completed_job_that_is_not_there() =>
        Broken<FollowUpsAreMadeOnce>(new ForgedHistory().Enqueued(0).Asked(1.5, "b").Ran(1, "w1", 10).Completed(10));

    [Fact]
    public void Follow_up_of_a_job_that_has_not_completed() => Broken<FollowUpsAreMadeOnce>(new ForgedHistory().Enqueued(0)
        .Started(1, "w1", 10).Asked(1.5, "b").Ended(2, "w1", 10, RunEnd.GaveUp).Final(JobState.Dead, 1, error: "hopeless").Ran(3, "w1", 11, id: "b").Completed(11, id: "b"));

    [Fact]
    public void Follow_up_in_another_queue_than_asked_for() => Broken<FollowUpsAreMadeOnce>(new ForgedHistory().Enqueued(0)
        .Asked(1.5, "b", queue: "next").Ran(1, "w1", 10).Completed(10).Ran(3, "w1", 11, id: "b").Completed(11, id: "b"));

    [Fact]
    public void Follow_up_that_ran_before_its_job_had_completed() => Broken<FollowUpsAreMadeOnce>(new ForgedHistory().Enqueued(0)
        .Asked(1.1, "b").Ran(1, "w1", 10).Completed(10).Ran(1.5, "w2", 11, id: "b").Completed(11, id: "b"));

    [Fact]
    public void Follow_up_that_was_made_in_both_queues() =>
        Broken<EmptyAndConserved>(new ForgedHistory().With(final => final with { Inconsistency = "b is in both queues." }));

    [Fact]
    public void Two_jobs_that_held_one_key_at_once() => Broken<UniqueJobsAreAlone>(new ForgedHistory().EnqueuedAs(0, unique: "k").EnqueuedAs(1, unique: "k", id: "b")
        .Ran(2, "w1", 10).Completed(10, enqueued: 0, ended: 3).Ran(4, "w1", 11, id: "b").Completed(11, id: "b", enqueued: 1, ended: 5));

    [Fact]
    public void Second_job_within_the_time_of_a_key() => Broken<UniqueJobsAreAlone>(new ForgedHistory().EnqueuedAs(0, unique: "k", uniqueForMs: 5000)
        .EnqueuedAs(4, unique: "k", uniqueForMs: 5000, id: "b")
        .Ran(1, "w1", 10).Completed(10, enqueued: 0, ended: 2).Ran(5, "w1", 11, id: "b").Completed(11, id: "b", enqueued: 4, ended: 6));

    [Fact]
    public void Job_that_was_refused_for_its_key_and_is_there() => Broken<UniqueJobsAreAlone>(new ForgedHistory().EnqueuedAs(0, unique: "k").Held(1, "k", "a", "b")
        .Ran(2, "w1", 10).Completed(10, ended: 3).Ran(4, "w1", 11, id: "b").Completed(11, id: "b", enqueued: 3, ended: 5));

    [Fact]
    public void Job_that_was_refused_for_a_holder_of_another_key() =>
        Broken<UniqueJobsAreAlone>(new ForgedHistory().EnqueuedAs(0, unique: "k").Held(1, "other", "a", "b").Ran(2, "w1", 10).Completed(10, ended: 3));

    [Fact]
    public void Half_a_batch() => Broken<BatchesAreWhole>(new ForgedHistory().EnqueuedAs(0, batch: "x").Ran(1, "w1", 10).Completed(10)
        .NotConfirmed(0, mayBeStored: true, id: "b").EnqueuedAs(0, batch: "x", id: "c"));

    [Fact]
    public void Cancellation_that_nobody_asked_for() => Broken<CancelledJobsStop>(new ForgedHistory().Enqueued(0).Final(JobState.Cancelled, 0, error: "why"));

    [Theory]
    [InlineData(CancelResult.Cancelled, JobState.Completed)]
    [InlineData(CancelResult.Requested, JobState.Dead)]
    internal void Cancelled_job_that_ended_otherwise(CancelResult answer, JobState state) => Broken<CancelledJobsStop>(new ForgedHistory().Enqueued(0)
        .Started(1, "w1", 10).Cancelled(1.5, answer).Ended(2, "w1", 10, RunEnd.Failed).Final(state, 1, error: "failed", result: 10));

    [Fact]
    public void Cancelled_job_that_ran_afterwards() =>
        Broken<CancelledJobsStop>(new ForgedHistory().Enqueued(0).Cancelled(0.5, CancelResult.Cancelled).Ran(1, "w1", 10).Final(JobState.Cancelled, 0));

    [Fact]
    public void Job_that_ran_again_although_it_was_to_be_cancelled() => Broken<CancelledJobsStop>(new ForgedHistory().Enqueued(0)
        .Started(1, "w1", 10).Cancelled(1.5, CancelResult.Requested).Ended(2, "w1", 10, RunEnd.Failed).Settled(2, "w1", 10, JobState.Scheduled)
        .Started(3, "w1", 11, attempt: 2).Ended(4, "w1", 11, RunEnd.Failed).Started(5, "w1", 12, attempt: 3).Ended(6, "w1", 12).Completed(12, attempt: 3));

    [Theory]
    [InlineData(null, "")]
    [InlineData(FaultKind.StarvePool, "w1")]
    [InlineData(FaultKind.FillMemory, "redis")]
    [InlineData(FaultKind.FreezeWorker, "w2")]
    internal void Handler_that_was_not_told_of_its_cancellation(FaultKind? fault, string who)
    {
        var history = new ForgedHistory().Enqueued(0).Started(1, "w1", 10).Cancelled(2, CancelResult.Requested).Ended(6, "w1", 10).Settled(6, "w1", 10).Completed(10);
        Broken<CancelledJobsStop>(fault is { } kind ? history.Fault(1, 5, who, kind) : history);
    }

    [Fact]
    public void Progress_that_nobody_had_reported() => Broken<ProgressIsTrue>(new ForgedHistory().Enqueued(0).Ran(1, "w1", 10).Reported(1.5, 5000).Looked(1.4, 5000).Completed(10));

    [Fact]
    public void Unreadable_job_that_was_run() => Broken<PoisonIsBounded>(new ForgedHistory().EnqueuedAs(0, Destiny.Unreadable)
        .StartedUnclaimed(1, "w1", 10).Ended(1, "w1", 10).Final(JobState.Dead, 0, error: "The payload cannot be read."));

    [Fact]
    public void Unreadable_job_that_did_not_die() => Broken<PoisonIsBounded>(new ForgedHistory().EnqueuedAs(0, Destiny.Unreadable).Completed(10));

    [Fact]
    public void Unknown_job_that_died_too_early() =>
        Broken<PoisonIsBounded>(new ForgedHistory().EnqueuedAs(0, Destiny.Unknown).Final(JobState.Dead, 0, lapses: 1, error: "No worker here has a handler for the job."));

    [Fact]
    public void Killer_that_was_started_too_often()
    {
        var history = new ForgedHistory().EnqueuedAs(0, Destiny.Killer);
        for (var run = 1; run <= 8; run++)
            history.Started(run, $"w{run}", run).Fault(run, run, $"w{run}", FaultKind.Poisoned);
        Broken<PoisonIsBounded>(history.Final(JobState.Dead, 0, lapses: 5, error: "Its lease was lost 5 times (MaxDeliveries)."));
    }

    [Fact]
    public void Worker_that_is_deaf_in_one_queue() => Broken<NobodyIsDeaf>(new ForgedHistory().Enqueued(0).Ran(10, "w1", 10).Ran(10, "w2", 11).Ran(12, "w1", 12, queue: "next")
        .Completed(10).With(final => final with { DrainedAt = Time(9), Alive = ["w1", "w2"] }));

    /// <summary>A rule without a forged history here would prove nothing.</summary>
    [Fact]
    public void Every_rule_has_a_history_that_breaks_it()
    {
        var source = string.Join('\n', Directory.EnumerateFiles(Folder(), "Broken*Tests.cs").Select(File.ReadAllText));

        HistoryChecker.Rules.Select(rule => rule.GetType().Name).Should().OnlyContain(rule => source.Contains($"Broken<{rule}>(", StringComparison.Ordinal));
    }

    /// <summary>This source file's folder, found from the program's own.</summary>
    private static string Folder()
    {
        var root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root, "Resilient.Redis.sln")))
            root = Path.GetDirectoryName(root) ?? throw new InvalidOperationException("The tests run outside their repository.");
        return Path.Combine(root, "tests", "Resilient.Redis.Queue.Tests", "Torture");
    }

    private static void Broken<TRule>(ForgedHistory history) => history.Check().Should().Contain(violation => violation.Rule == typeof(TRule).Name);
}
