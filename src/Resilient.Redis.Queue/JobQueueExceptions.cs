namespace Resilient.Redis.Queue;

/// <summary>Thrown by a handler: the job cannot succeed, do not try again. It becomes dead with this reason.</summary>
public sealed class JobDeadException(string reason, Exception? inner = null) : Exception(reason, inner);

/// <summary>Thrown by a handler: run it again after a while. Counts neither as an attempt nor as a delivery.</summary>
public sealed class JobRetryException(TimeSpan delay, string? reason = null) : Exception(reason ?? "The handler asked to run later.")
{
    /// <summary>How long to wait; zero or more.</summary>
    public TimeSpan Delay { get; } = delay >= TimeSpan.Zero ? delay : throw new ArgumentOutOfRangeException(nameof(delay), delay, "A delay is zero or more.");
}

/// <summary>The job is larger than <see cref="JobQueueOptions.MaxPayloadBytes"/>. Nothing was sent.</summary>
public sealed class JobTooLargeException : Exception
{
    internal JobTooLargeException(string message) : base(message)
    {
    }
}

/// <summary>The queue has as many jobs as <see cref="JobQueueOptions.MaxLength"/> allows. Nothing of the call was stored; try again later, or shed the load.</summary>
public sealed class JobQueueFullException : Exception
{
    internal JobQueueFullException(string message, Exception? inner = null) : base(message, inner)
    {
    }
}

/// <summary>An operator drains the queue (<see cref="IJobQueueAdmin.DrainAsync"/>): it takes no new jobs until it is resumed. Nothing of the call was stored.</summary>
public sealed class JobQueueDrainingException : Exception
{
    internal JobQueueDrainingException(string message, Exception? inner = null) : base(message, inner)
    {
    }
}

/// <summary>There are not as many jobs in that state as the operator has seen. Nothing was removed; look again.</summary>
public sealed class JobCountChangedException : Exception
{
    internal JobCountChangedException(string message, long expected, long actual) : base(message)
    {
        Expected = expected;
        Actual = actual;
    }

    /// <summary>How many the operator has seen.</summary>
    public long Expected { get; }

    /// <summary>How many there are.</summary>
    public long Actual { get; }
}

/// <summary>Somebody waited for the result of a job that has none to give: it is dead, cancelled, or unknown.</summary>
public sealed class JobFailedException : Exception
{
    internal JobFailedException(string message, JobId id, JobState? state, string? reason) : base(message)
    {
        Id = id;
        State = state;
        Reason = reason;
    }

    /// <summary>The job.</summary>
    public JobId Id { get; }

    /// <summary>Where it stands; null when Redis does not know it (any more).</summary>
    public JobState? State { get; }

    /// <summary>Why, in the words of its last error.</summary>
    public string? Reason { get; }
}
