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

    /// <summary>Why somebody asked to cancel the job; null unless <see cref="StopReason"/> says so.</summary>
    public abstract string? CancelReason { get; }

    /// <summary>Tells whoever looks how far the job is. Costs no call of its own: it goes with the lease's next extension, within half a second; of reports in between the last counts.</summary>
    /// <param name="fraction">From 0 to 1.</param>
    /// <param name="message">What it does; cut after 500 characters.</param>
    public abstract void ReportProgress(double fraction, string? message = null);

    /// <summary>Enqueues a job when this one completes, in the same atomic step: never without it, and never twice however often this one runs (promise 6).</summary>
    /// <param name="job">The job.</param>
    /// <param name="options">As for an enqueue; without an id, it gets one made from this job's.</param>
    /// <param name="queue">Another queue that is registered in this process, to which it is delivered soon after, even if this worker dies. This queue when null.</param>
    /// <returns>Its id. Nothing is there under that id before this job has completed.</returns>
    /// <exception cref="ArgumentException">The options are wrong, or the queue is not registered here.</exception>
    /// <exception cref="JobTooLargeException">The job is larger than <see cref="JobQueueOptions.MaxPayloadBytes"/>.</exception>
    public abstract JobId EnqueueOnCompletion<TJob>(TJob job, EnqueueOptions? options = null, string? queue = null);

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
