using Resilient.Redis.Queue.Storage;
using Resilient.Redis.Queue.Torture.Checking;
using Resilient.Redis.Queue.Torture.Recording;

namespace Resilient.Redis.Queue.Tests.Torture;

/// <summary>A checker that finds nothing proves nothing: histories that break each rule, which it has to report.</summary>
public sealed class BrokenHistoryTests
{
    [Fact]
    public void Acknowledged_job_that_Redis_does_not_know() => Broken<NothingIsLost>(new ForgedHistory().Enqueued(0));

    [Fact]
    public void Job_that_has_not_ended() =>
        Broken<NothingIsLost>(new ForgedHistory().Enqueued(0).Final(JobState.Waiting, 0));

    [Fact]
    public void Job_that_is_dead_without_a_reason() => Broken<NothingIsLost>(new ForgedHistory().Enqueued(0)
        .Started(1, "w1", 10).Ended(2, "w1", 10, RunEnd.GaveUp).Final(JobState.Dead, 1));

    [Fact]
    public void Job_that_is_dead_although_it_did_not_give_up() => Broken<NothingIsLost>(new ForgedHistory().Enqueued(0)
        .Started(1, "w1", 10).Ended(2, "w1", 10, RunEnd.Failed).Final(JobState.Dead, 1, error: "failed"));

    [Fact]
    public void Result_of_a_run_that_did_not_return() => Broken<NothingIsLost>(new ForgedHistory().Enqueued(0)
        .Started(1, "w1", 10).Fault(2, 2, "w1", FaultKind.KillWorker).Ran(5, "w2", 11).Completed(10));

    [Fact]
    public void Job_that_was_created_twice() =>
        Broken<NothingIsMadeTwice>(new ForgedHistory().Enqueued(0).Enqueued(1).Ran(2, "w1", 10).Completed(10));

    [Fact]
    public void Job_that_nobody_enqueued() =>
        Broken<NothingIsMadeTwice>(new ForgedHistory().Ran(2, "w1", 10).Completed(10));

    [Fact]
    public void Job_that_was_said_not_to_be_stored() =>
        Broken<NothingIsMadeTwice>(new ForgedHistory().NotConfirmed(0, mayBeStored: false).Ran(2, "w1", 10).Completed(10));

    [Fact]
    public void Two_settlements_accepted_for_one_claim() => Broken<ClaimsSettleOnce>(new ForgedHistory().Enqueued(0)
        .Started(1, "w1", 10).Ended(2, "w1", 10).Settled(2, "w1", 10, JobState.Waiting).Settled(3, "w1", 10, JobState.Completed).Completed(10));

    [Fact]
    public void Two_ends_of_one_job() => Broken<ClaimsSettleOnce>(new ForgedHistory().Enqueued(0)
        .Started(1, "w1", 10).Fault(1.5, 8, "w1", FaultKind.FreezeWorker).Ended(9, "w1", 10).Settled(9, "w1", 10).Ran(7.5, "w2", 11).Completed(11));

    [Fact]
    public void Settlement_of_a_zombie_that_was_accepted() => Broken<ClaimsSettleOnce>(new ForgedHistory().Enqueued(0)
        .Started(1, "w1", 10).Fault(1.5, 8, "w1", FaultKind.FreezeWorker).Claimed(7, "w2", 11).Ended(9, "w1", 10).Settled(9, "w1", 10).Completed(10));

    [Fact]
    public void Claim_of_a_job_that_has_ended() =>
        Broken<ClaimsSettleOnce>(new ForgedHistory().Enqueued(0).Ran(1, "w1", 10).Claimed(3, "w2", 11).Completed(10));

    [Fact]
    public void Settlement_that_was_refused_without_a_cause() => Broken<ClaimsSettleOnce>(new ForgedHistory().Enqueued(0)
        .Started(1, "w1", 10).Ended(2, "w1", 10).Settled(2, "w1", 10, JobState.Waiting, ReplyCode.Lost).Fault(0.5, 1.8, "redis", FaultKind.FreezeRedis)
        .Started(3, "w1", 11).Ended(4, "w1", 11).Settled(4, "w1", 11).Completed(11));

    [Fact]
    public void Settlement_of_a_job_that_was_forgotten_too_early() => Broken<ClaimsSettleOnce>(new ForgedHistory().Enqueued(0)
        .Started(1, "w1", 10).Fault(1, 2, "w1", FaultKind.FreezeWorker).Ended(2, "w1", 10).Settled(2, "w1", 10, null, ReplyCode.Gone).Completed(10));

    [Fact]
    public void Token_that_two_claims_share() => Broken<TokensGrow>(new ForgedHistory().Enqueued(0)
        .Started(1, "w1", 10).Fault(2, 2, "w1", FaultKind.KillWorker).Ran(5, "w2", 10).Completed(10));

    [Fact]
    public void Token_that_shrinks() => Broken<TokensGrow>(new ForgedHistory().Enqueued(0)
        .Started(1, "w1", 10).Fault(2, 2, "w1", FaultKind.KillWorker).Ran(5, "w2", 9).Completed(9));

    [Fact]
    public void Two_runs_for_one_claim() => Broken<TokensGrow>(new ForgedHistory().Enqueued(0)
        .Ran(1, "w1", 10).StartedUnclaimed(1.2, "w1", 10).Completed(10));

    [Fact]
    public void Second_run_without_a_cause() => Broken<RunsAgainForACause>(new ForgedHistory().Enqueued(0)
        .Started(1, "w1", 10).Ended(2, "w1", 10).Ran(5, "w2", 11).Completed(11));

    [Fact]
    public void Second_run_of_a_job_that_a_worker_killed_later_had_done() => Broken<RunsAgainForACause>(new ForgedHistory().Enqueued(0)
        .Started(1, "w1", 10).Ended(2, "w1", 10).Ran(3, "w2", 11).Fault(5, 5, "w1", FaultKind.KillWorker).Completed(11));

    [Fact]
    public void Second_run_before_the_end_of_one_on_a_worker_killed_later() => Broken<RunsAgainForACause>(new ForgedHistory().Enqueued(0)
        .Started(1, "w1", 10).Ran(3, "w2", 11).Ended(4, "w1", 10, RunEnd.Failed).Fault(5, 5, "w1", FaultKind.KillWorker).Completed(11));

    [Theory]
    [InlineData(FaultKind.KillRedis, "redis")]
    [InlineData(FaultKind.RestartRedis, "redis")]
    [InlineData(FaultKind.FreezeRedis, "redis")]
    [InlineData(FaultKind.FillMemory, "redis")]
    [InlineData(FaultKind.CutSocket, "w1")]
    [InlineData(FaultKind.StarvePool, "w1")]
    [InlineData(FaultKind.KillWorker, "w2")]
    [InlineData(FaultKind.FreezeWorker, "w2")]
    internal void Second_run_after_what_is_no_failure_of_that_worker(FaultKind kind, string who) => Broken<RunsAgainForACause>(new ForgedHistory().Enqueued(0)
        .Started(1, "w1", 10).Fault(1.5, 6, who, kind).Ended(2, "w1", 10).Ran(7, "w2", 11).Completed(11));

    [Theory]
    [InlineData(1.1, 1.2)] // before the pool was starved
    [InlineData(7, 7.2)] // when the other had begun long ago
    [InlineData(8.1, 8.2)] // after it
    public void Second_run_of_a_worker_that_was_starved_while_its_connection_stood(double from, double to) => Broken<RunsAgainForACause>(new ForgedHistory().Enqueued(0)
        .Started(1, "w1", 10).Fault(from, to, "w1", FaultKind.CutSocket).Fault(3, 8, "w1", FaultKind.StarvePool).Ran(6, "w2", 11).Ended(8, "w1", 10).Completed(11));

    [Fact]
    public void Second_run_long_after_the_first_workers_trouble_was_over() => Broken<RunsAgainForACause>(new ForgedHistory().Enqueued(0)
        .Fault(1, 2, "w1", FaultKind.FreezeWorker).Started(20, "w1", 10).Ended(21, "w1", 10).Ran(25, "w2", 11).Completed(11));

    [Fact]
    public void Overlap_of_a_run_that_was_not_told() => Broken<OverlapsOnlyWhenTold>(new ForgedHistory().Enqueued(0).Opened("w1", stopsInDoubt: false)
        .Started(1, "w1", 10).Ran(3, "w2", 11).Fired(3.5, "w1", 10).Ended(6, "w1", 10).Completed(11));

    [Fact]
    public void Overlap_of_a_run_that_should_have_stopped_in_doubt() => Broken<OverlapsOnlyWhenTold>(new ForgedHistory().Enqueued(0).Opened("w1", stopsInDoubt: true)
        .Started(1, "w1", 10).Fault(1, 9, "w1", FaultKind.SilenceSocket).Ran(6, "w2", 11).Fired(7, "w1", 10).Ended(9, "w1", 10).Completed(11));

    [Fact]
    public void Overlap_with_a_worker_that_was_thawed_long_ago_and_told_nobody() => Broken<OverlapsOnlyWhenTold>(new ForgedHistory().Enqueued(0)
        .Started(1, "w1", 10).Fault(1, 5, "w1", FaultKind.FreezeWorker).Ran(8, "w2", 11).Ended(20, "w1", 10).Completed(11));

    [Theory]
    [InlineData(true, 4.9, 20, 20.2)] // it stops in doubt: that takes no word from Redis
    [InlineData(false, 4.9, 20, 22)] // long after the outage
    [InlineData(false, 7, 20, 20.2)] // the word had time to come before the outage
    [InlineData(false, 2, 4, 8)] // the outage was over before the thaw
    public void Overlap_with_a_worker_that_was_thawed_and_could_tell_in_spite_of_an_outage(bool stopsInDoubt, double from, double to, double again) =>
        Broken<OverlapsOnlyWhenTold>(new ForgedHistory().Enqueued(0).Opened("w1", stopsInDoubt)
            .Started(1, "w1", 10).Fault(1, 5, "w1", FaultKind.FreezeWorker).Fault(from, to, "redis", FaultKind.FreezeRedis).Ran(again, "w2", 11).Ended(30, "w1", 10).Completed(11));

    [Fact]
    public void Attempt_that_no_failure_has_spent() => Broken<AttemptsAreSpentByFailures>(new ForgedHistory().Enqueued(0)
        .Started(1, "w1", 10).Fault(2, 2, "w1", FaultKind.KillWorker).Ran(5, "w2", 11, attempt: 2).Completed(11));

    [Fact]
    public void Attempts_in_the_end_that_no_failure_has_spent() =>
        Broken<AttemptsAreSpentByFailures>(new ForgedHistory().Enqueued(0).Ran(1, "w1", 10).Completed(10, attempt: 2));

    [Fact]
    public void Delivery_that_was_lost_without_a_cause() =>
        Broken<AttemptsAreSpentByFailures>(new ForgedHistory().Enqueued(0).Ran(1, "w1", 10).Completed(10, lapses: 1));

    [Fact]
    public void Worker_that_is_deaf() => Broken<NobodyIsDeaf>(
        new ForgedHistory().Enqueued(0).Ran(10, "w1", 10).Completed(10).With(final => final with { DrainedAt = ForgedHistory.Time(9), Alive = ["w1", "w2"] }));

    [Fact]
    public void Queue_that_is_not_empty() => Broken<EmptyAndConserved>(new ForgedHistory().With(final => final with { Unended = 1 }));

    [Fact]
    public void Jobs_that_the_queue_has_lost() => Broken<EmptyAndConserved>(new ForgedHistory().With(final => final with { Lost = 1 }));

    [Fact]
    public void Jobs_that_were_counted_and_are_nowhere() => Broken<EmptyAndConserved>(new ForgedHistory().With(final => final with { Accepted = 1 }));

    [Fact]
    public void Queue_whose_sets_contradict_each_other() => Broken<EmptyAndConserved>(new ForgedHistory().With(final => final with { Inconsistency = "a is in two sets" }));

    private static void Broken<TRule>(ForgedHistory history) => history.Check().Should().Contain(violation => violation.Rule == typeof(TRule).Name);
}
