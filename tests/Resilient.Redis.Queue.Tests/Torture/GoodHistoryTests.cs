using Resilient.Redis.Queue.Storage;
using Resilient.Redis.Queue.Torture.Recording;

namespace Resilient.Redis.Queue.Tests.Torture;

/// <summary>What the checker must let pass: everything here may happen to a queue that keeps its promises.</summary>
public sealed class GoodHistoryTests
{
    [Fact]
    public void Job_that_ran_once_is_good() => Good(new ForgedHistory().Enqueued(0).Ran(1, "w1", 10).Completed(10));

    [Fact]
    public void Enqueue_that_was_repeated_and_found_its_job_is_good() =>
        Good(new ForgedHistory().NotConfirmed(0, mayBeStored: true).Enqueued(1, created: false).Ran(2, "w1", 10).Completed(10));

    [Fact]
    public void Enqueue_that_failed_left_nothing_or_a_job_where_it_said_so()
    {
        Good(new ForgedHistory().NotConfirmed(0, mayBeStored: false));
        Good(new ForgedHistory().NotConfirmed(0, mayBeStored: true));
        Good(new ForgedHistory().NotConfirmed(0, mayBeStored: true).Ran(1, "w1", 10).Completed(10));
        Good(new ForgedHistory().NotConfirmed(0, mayBeStored: false).Enqueued(1).Ran(2, "w1", 10).Completed(10));
    }

    [Fact]
    public void Job_that_failed_and_ran_again_is_good() => Good(new ForgedHistory().Enqueued(0)
        .Started(1, "w1", 10).Ended(2, "w1", 10, RunEnd.Failed).Settled(2, "w1", 10, JobState.Scheduled).Ran(3, "w1", 11, attempt: 2).Completed(11, attempt: 2));

    [Fact]
    public void Job_that_was_given_up_or_failed_too_often_is_good()
    {
        Good(new ForgedHistory().Enqueued(0).Started(1, "w1", 10).Ended(2, "w1", 10, RunEnd.GaveUp).Settled(2, "w1", 10, JobState.Dead).Final(JobState.Dead, 1, error: "hopeless"));
        var failing = new ForgedHistory().Enqueued(0);
        for (var attempt = 1; attempt <= 3; attempt++)
            failing.Started(attempt, "w1", attempt, attempt).Ended(attempt + 0.5, "w1", attempt, RunEnd.Failed)
                .Settled(attempt + 0.5, "w1", attempt, attempt < 3 ? JobState.Waiting : JobState.Dead);
        Good(failing.Final(JobState.Dead, 3, error: "failed"));
    }

    [Fact]
    public void Job_of_a_killed_worker_that_ran_elsewhere_is_good() => Good(new ForgedHistory().Enqueued(0)
        .Started(1, "w1", 10).Fault(2, 2, "w1", FaultKind.KillWorker).Ran(5, "w2", 11).Completed(11, lapses: 1));

    [Fact]
    public void Job_of_a_frozen_worker_whose_settlement_was_refused_is_good() => Good(new ForgedHistory().Enqueued(0)
        .Started(1, "w1", 10).Fault(2, 8, "w1", FaultKind.FreezeWorker).Ran(6, "w2", 11)
        .Fired(8.3, "w1", 10).Ended(8.3, "w1", 10).Settled(8.5, "w1", 10, JobState.Completed, ReplyCode.Lost).Completed(11, lapses: 1));

    [Fact]
    public void Run_of_a_worker_that_waits_for_word_while_it_is_cut_off_may_overlap() => Good(new ForgedHistory().Enqueued(0).Opened("w1", stopsInDoubt: false)
        .Started(1, "w1", 10).Fault(2, 8, "w1", FaultKind.SilenceSocket).Ran(6, "w2", 11)
        .Fired(9, "w1", 10).Ended(9, "w1", 10, RunEnd.Stopped).Completed(11, lapses: 1));

    [Theory]
    [InlineData(FaultKind.FreezeWorker)]
    [InlineData(FaultKind.SilenceSocket)]
    internal void Run_of_a_worker_that_lost_its_lease_before_an_outage_and_hears_of_it_after_it_may_overlap(FaultKind kind) =>
        Good(new ForgedHistory().Enqueued(0).Opened("w1", stopsInDoubt: false)
            .Started(1, "w1", 10).Fault(1, 5, "w1", kind).Fault(4.9, 20, "redis", FaultKind.FreezeRedis).Ran(20.2, "w2", 11)
            .Fired(20.5, "w1", 10).Ended(20.5, "w1", 10, RunEnd.Stopped).Completed(11, lapses: 1));

    [Theory]
    [InlineData(FaultKind.KillRedis, "redis")]
    [InlineData(FaultKind.CutSocket, "w1")]
    internal void Job_of_a_worker_that_could_not_connect_anew_since_its_pool_was_starved_may_run_elsewhere(FaultKind kind, string who) =>
        Good(new ForgedHistory().Enqueued(0).Opened("w1", stopsInDoubt: true)
            .Started(1, "w1", 10).Fault(1.5, 2, who, kind).Fault(2.5, 8, "w1", FaultKind.StarvePool).Fired(4, "w1", 10, StopReason.LeaseInDoubt).Ended(8, "w1", 10, RunEnd.Stopped)
            .Ran(6, "w2", 11).Settled(8.5, "w1", 10, JobState.Completed, ReplyCode.Lost).Completed(11, lapses: 1));

    [Fact]
    public void Run_that_was_told_in_time_may_overlap() => Good(new ForgedHistory().Enqueued(0).Opened("w1", stopsInDoubt: true)
        .Started(1, "w1", 10).Fault(2, 8, "w1", FaultKind.SilenceSocket).Fired(5, "w1", 10, StopReason.LeaseInDoubt).Ran(6, "w2", 11)
        .Ended(9, "w1", 10, RunEnd.Stopped).Completed(11, lapses: 1));

    [Fact]
    public void Job_that_was_handed_back_in_an_outage_is_good() => Good(new ForgedHistory().Enqueued(0).Opened("w1", stopsInDoubt: true)
        .Started(1, "w1", 10).Fault(2, 6, "redis", FaultKind.FreezeRedis).Fired(4, "w1", 10, StopReason.LeaseInDoubt).Ended(4, "w1", 10, RunEnd.Stopped)
        .Settled(6.1, "w1", 10, JobState.Waiting).Ran(7, "w2", 11).Completed(11));

    [Fact]
    public void Worker_that_works_after_the_faults_is_not_deaf() =>
        Good(new ForgedHistory().Enqueued(0).Ran(10, "w1", 10).Completed(10).With(final => final with { DrainedAt = ForgedHistory.Time(9), Alive = ["w1"] }));

    [Fact]
    public void Settlement_that_was_made_before_a_freeze_and_answered_again_after_it_is_good() => Good(new ForgedHistory().Enqueued(0)
        .Started(1, "w1", 10).Ended(2, "w1", 10, RunEnd.Failed).Fault(2.1, 8, "w1", FaultKind.FreezeWorker)
        .Ran(5, "w2", 11, attempt: 2).AnsweredAgain(2, 9, "w1", 10, JobState.Scheduled).Completed(11, attempt: 2));

    [Theory]
    [InlineData(RunEnd.Failed, 2)]
    [InlineData(RunEnd.PutOff, 1)]
    [InlineData(RunEnd.Stopped, 1)]
    internal void Settlement_that_a_killed_worker_could_not_write_down_is_good(RunEnd how, int attempt) => Good(new ForgedHistory().Enqueued(0)
        .Started(1, "w1", 10).Ended(2, "w1", 10, how).Ran(2.1, "w2", 11, attempt).Fault(2.2, 2.5, "w1", FaultKind.KillWorker).Completed(11, attempt));

    private static void Good(ForgedHistory history) => history.Check().Should().BeEmpty();
}
