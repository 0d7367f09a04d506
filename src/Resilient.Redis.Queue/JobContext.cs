namespace Resilient.Redis.Queue;

/// <summary>What a handler knows of its run. Derive from it in a handler's unit test.</summary>
public abstract class JobContext
{
    /// <summary>For the worker and for tests.</summary>
    protected JobContext()
    {
    }

    /// <summary>The queue's name.</summary>
    public abstract string Queue { get; }

    /// <summary>The job.</summary>
    public abstract JobId Id { get; }

    /// <summary>1 in the first run; only failed runs count.</summary>
    public abstract int Attempt { get; }

    /// <summary>Grows with each claim of the job: pass it to what the handler writes elsewhere, and let that refuse a smaller one.</summary>
    public abstract long FenceToken { get; }

    /// <summary>What the producer sent along.</summary>
    public abstract IReadOnlyDictionary<string, string> Headers { get; }

    /// <summary>Why the handler's token fired; <see cref="Queue.StopReason.None"/> while it has not.</summary>
    public abstract StopReason StopReason { get; }

    /// <summary>Keeps the result, which is stored when the handler returns. The last call counts.</summary>
    /// <exception cref="JobDeadException">The result is larger than <see cref="JobQueueOptions.MaxPayloadBytes"/>.</exception>
    public abstract void SetResult<T>(T result);
}

/// <summary>Why a handler's token fired.</summary>
public enum StopReason
{
    /// <summary>It has not fired.</summary>
    None = 0,

    /// <summary>The worker is shutting down. A run that stops now is handed back without spending an attempt.</summary>
    Shutdown = 1,

    /// <summary>Redis said that the lease is lost: another worker may run the job, and this run's outcome will be refused.</summary>
    LeaseLost = 2,

    /// <summary>The lease could not be extended in time and may be lost. Only with <see cref="JobWorkerOptions.StopInDoubt"/>.</summary>
    LeaseInDoubt = 3,

    /// <summary>Somebody asked to cancel the job.</summary>
    CancelRequested = 4,

    /// <summary>The run took longer than its time-out.</summary>
    TimedOut = 5,
}
