namespace Resilient.Redis.Queue.Worker;

/// <summary>When this worker last claimed, settled or extended: that it does, not that PING works, is what makes it live.</summary>
internal sealed class WorkerPulse(TimeProvider time)
{
    private long _beatAt = long.MinValue;

    /// <summary>How long ago; null while it never has.</summary>
    public TimeSpan? Age => Volatile.Read(ref _beatAt) is var at && at == long.MinValue ? null : time.GetElapsedTime(at);

    public void Beat() => Volatile.Write(ref _beatAt, time.GetTimestamp());
}
