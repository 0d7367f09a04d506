namespace Resilient.Redis.Queue;

/// <summary>A delivery of a job that did not end well, or an operator's requeue.</summary>
/// <param name="Attempt">Which attempt it was or would have been, from 1; for a requeue how many were spent before it.</param>
/// <param name="At">When it ended, by Redis's clock.</param>
/// <param name="Worker">Whose it was (<see cref="JobWorkerOptions.Name"/>); null for a requeue.</param>
/// <param name="Outcome">How it ended.</param>
/// <param name="Error">The first 500 bytes or so of the error; null where there is none.</param>
public sealed record JobAttempt(int Attempt, DateTimeOffset At, string? Worker, JobAttemptOutcome Outcome, string? Error);

/// <summary>How a delivery ended that did not end well. The values are written down in Redis and never change.</summary>
public enum JobAttemptOutcome
{
    /// <summary>Its handler threw, or took longer than its time-out.</summary>
    Failed = 1,

    /// <summary>Its worker was silent for longer than the lease: it died, or was cut off.</summary>
    WorkerLost = 2,

    /// <summary>Its worker has no handler for this type of job.</summary>
    UnknownType = 3,

    /// <summary>Its handler said that no further attempt can succeed, or its payload could not be read.</summary>
    Hopeless = 4,

    /// <summary>An operator sent the dead job back; its attempts are counted anew from here.</summary>
    Requeued = 5,
}
