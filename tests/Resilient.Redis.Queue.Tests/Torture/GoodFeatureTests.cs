using Resilient.Redis.Queue.Torture.Recording;

namespace Resilient.Redis.Queue.Tests.Torture;

/// <summary>As <see cref="GoodHistoryTests"/>, for follow-ups, unique keys, batches, cancellation, progress and poison.</summary>
public sealed class GoodFeatureTests
{
    [Fact]
    public void Follow_up_of_a_job_that_ran_twice_and_completed_once_is_good() => Good(new ForgedHistory().Enqueued(0)
        .Started(1, "w1", 10).Asked(1.1, "b", "next").Fault(2, 2, "w1", FaultKind.KillWorker).Asked(5.1, "b", "next").Ran(5, "w2", 11).Completed(11, lapses: 1)
        .Ran(7, "w2", 12, id: "b", queue: "next").Completed(12, id: "b", queue: "next"));

    [Fact]
    public void Follow_up_of_a_dead_job_that_is_not_there_is_good() => Good(new ForgedHistory().Enqueued(0)
        .Started(1, "w1", 10).Asked(1.1, "b").Ended(2, "w1", 10, RunEnd.GaveUp).Settled(2, "w1", 10, JobState.Dead).Final(JobState.Dead, 1, error: "hopeless"));

    [Fact]
    public void Jobs_that_held_a_key_one_after_the_other_are_good() => Good(new ForgedHistory().EnqueuedAs(0, unique: "k").Held(1, "k", "a", "c").EnqueuedAs(4, unique: "k", id: "b")
        .Ran(2, "w1", 10).Completed(10, enqueued: 0, ended: 3).Ran(4, "w1", 11, id: "b").Completed(11, id: "b", enqueued: 3, ended: 5));

    [Fact]
    public void Batch_that_is_there_or_not_is_good() => Good(new ForgedHistory().EnqueuedAs(0, batch: "x").Ran(1, "w1", 10).Completed(10)
        .EnqueuedAs(0, batch: "x", id: "b").Ran(2, "w1", 11, id: "b").Completed(11, id: "b"));

    [Fact]
    public void Job_that_was_cancelled_while_it_waited_is_good() => Good(new ForgedHistory().Enqueued(0).Cancelled(1, CancelResult.Cancelled).Final(JobState.Cancelled, 0));

    [Fact]
    public void Run_that_was_told_of_its_cancellation_is_good() => Good(new ForgedHistory().Enqueued(0).Started(1, "w1", 10)
        .Cancelled(2, CancelResult.Requested).Fired(2.5, "w1", 10, StopReason.CancelRequested).Ended(2.6, "w1", 10, RunEnd.Stopped)
        .Settled(2.7, "w1", 10, JobState.Cancelled).Final(JobState.Cancelled, 1));

    [Fact]
    public void Run_that_completed_although_it_was_to_be_cancelled_is_good() =>
        Good(new ForgedHistory().Enqueued(0).Cancelled(1.5, CancelResult.Requested).Ran(1, "w1", 10).Completed(10));

    [Theory]
    [InlineData(FaultKind.FreezeRedis, "redis")]
    [InlineData(FaultKind.FreezeWorker, "w1")]
    [InlineData(FaultKind.CutSocket, "w1")]
    [InlineData(FaultKind.Stall, "control")]
    internal void Handler_that_could_not_be_told_of_its_cancellation_is_good(FaultKind kind, string who) => Good(new ForgedHistory().Enqueued(0)
        .Started(1, "w1", 10).Cancelled(2, CancelResult.Requested).Fault(1.5, 5, who, kind).Ended(6, "w1", 10).Settled(6, "w1", 10).Completed(10));

    [Fact]
    public void Cancellation_without_an_answer_may_have_arrived()
    {
        Good(new ForgedHistory().Enqueued(0).Cancelled(1, answer: null).Final(JobState.Cancelled, 0));
        Good(new ForgedHistory().Enqueued(0).Cancelled(1, answer: null).Ran(2, "w1", 10).Completed(10));
    }

    [Fact]
    public void Progress_that_was_reported_is_good() => Good(new ForgedHistory().Enqueued(0).Reported(1.2, 0).Reported(1.4, 5000).Looked(1.8, 5000).Ran(1, "w1", 10).Completed(10));

    [Fact]
    public void Poison_that_died_of_it_is_good()
    {
        Good(new ForgedHistory().EnqueuedAs(0, Destiny.Unreadable).Final(JobState.Dead, 0, error: "The payload of 'a' cannot be read: no."));
        Good(new ForgedHistory().EnqueuedAs(0, Destiny.Unknown).Final(JobState.Dead, 0, lapses: 5, error: "No worker here has a handler for the job 'a'."));
        var killer = new ForgedHistory().EnqueuedAs(0, Destiny.Killer);
        for (var run = 1; run <= 5; run++)
            killer.Started(run, $"w{run}", run).Fault(run, run, $"w{run}", FaultKind.Poisoned);
        Good(killer.Final(JobState.Dead, 0, lapses: 5, error: "Its lease was lost 5 times (MaxDeliveries)."));
    }

    [Fact]
    public void Job_that_shared_its_worker_with_killers_too_often_may_be_dead()
    {
        var victim = new ForgedHistory().Enqueued(0);
        for (var run = 1; run <= 5; run++)
            victim.Started(run, $"w{run}", run).Fault(run, run, $"w{run}", FaultKind.Poisoned);
        Good(victim.Final(JobState.Dead, 0, lapses: 5, error: "Its lease was lost 5 times (MaxDeliveries)."));
    }

    private static void Good(ForgedHistory history) => history.Check().Should().BeEmpty();
}
