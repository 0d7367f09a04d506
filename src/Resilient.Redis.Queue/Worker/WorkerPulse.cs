namespace Resilient.Redis.Queue.Worker;

/// <summary>When this worker last claimed, settled or extended: that it does, not that PING works, is what makes it live.</summary>
internal sealed class WorkerPulse(TimeProvider time, TimeSpan lease)
{
    private long _beatAt = long.MinValue;
    private long _leaseTicks = lease.Ticks;

    /// <summary>The queue's lease, which the first worker has stored (rule R9).</summary>
    public TimeSpan Lease
    {
        get => TimeSpan.FromTicks(Volatile.Read(ref _leaseTicks));
        set => Volatile.Write(ref _leaseTicks, value.Ticks);
    }

    /// <summary>How long ago; null while it never has.</summary>
    public TimeSpan? Age => Volatile.Read(ref _beatAt) is var at && at == long.MinValue ? null : time.GetElapsedTime(at);

    public void Beat() => Volatile.Write(ref _beatAt, time.GetTimestamp());
}
