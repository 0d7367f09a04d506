namespace Resilient.Redis.Queue.Tests.Model;

/// <summary>One step of a sequence, all in numbers: what they refer to is found when it runs, so that a sequence with a step left out still makes sense.</summary>
internal abstract record Step
{
    public sealed record Enqueue(Arrival[] Jobs, bool Late) : Step;

    /// <summary>Claim, or settle and claim. <paramref name="Gap"/>: numbers that the lane leaves out.</summary>
    public sealed record Work(int Session, int Want, bool Alone, Ended[] Ended, int Gap) : Step;

    /// <summary>The reply to the lane's last call was lost: the same call again. <paramref name="Older"/>: one with a lower number comes late.</summary>
    public sealed record Again(int Session, bool Older) : Step;

    public sealed record Extend(int Session, Kept[] Leases) : Step;

    public sealed record Cancel(int Id) : Step;

    public sealed record Requeue(int Id) : Step;

    public sealed record Remove(int Id) : Step;

    public sealed record Pause(bool On) : Step;

    public sealed record Drain : Step;

    /// <summary>A page of the jobs in one state is listed and, when <paramref name="Purge"/>, given up. <paramref name="Off"/>: the operator has miscounted by so many.</summary>
    public sealed record Page(JobState State, int From, bool Purge, int Off) : Step;

    public sealed record Pass(long Ms) : Step;

    /// <summary>Time passes while one worker looks and the others are silent: by the end their leases are lost.</summary>
    public sealed record Lapse(int Session, int Looks) : Step;

    /// <summary>The job's record is deleted by hand, or written over.</summary>
    public sealed record Spoil(int Id, bool Delete) : Step;

    /// <summary>The worker dies, and another comes up: a new session.</summary>
    public sealed record Vanish(int Session) : Step;

    /// <summary>The first of what waits for other queues was delivered.</summary>
    public sealed record Deliver : Step;

    /// <summary>What Redis lets go by itself is gone: timed keys and remembered refusals.</summary>
    public sealed record Expire : Step;

    public sealed record Look(int Id) : Step;

    /// <summary>A process registers a recurring job.</summary>
    public sealed record Schedule(int Name, int Cron, bool Starting, int InMs, Arrival Job) : Step;

    /// <summary>A process says that its next tick is due. <paramref name="Wrong"/>: it is behind. <paramref name="Run"/>: make the job, or leave it out.</summary>
    public sealed record Tick(int Name, int Cron, bool Wrong, bool Run) : Step;

    public sealed record Trigger(int Name, int Id) : Step;

    public sealed record Unschedule(int Name) : Step;
}

/// <summary>A job on its way in.</summary>
internal sealed record Arrival(int Id, int DelayMs, int Key, bool ForTime, int MaxAttempts, int KeepMs);

/// <summary>A settlement. <paramref name="Pick"/>: which of the session's leases, 0 the newest; of anybody's when <paramref name="Foreign"/>.</summary>
internal sealed record Ended(int Pick, bool Foreign, bool WrongToken, int Outcome, int DelayMs, bool Started, Arrival[] FollowUps, bool Abroad);

/// <summary>An extension; <paramref name="Pick"/> as in <see cref="Ended"/>.</summary>
internal sealed record Kept(int Pick, bool Foreign, bool WrongToken, bool Started, int Progress);
