namespace Resilient.Redis.Queue.Producing;

/// <summary>What all attempts of one enqueue have in common: how long the call is valid (rule R15).</summary>
/// <remarks>An attempt that was given up can still arrive at Redis later; past its validity it is refused there.</remarks>
internal sealed class EnqueueCall(TimeSpan validity, TimeProvider time)
{
    /// <summary>The longest validity. Redis remembers the outcome of every job at least this long (REPEATABLE_MS in Scripts/_prelude.lua).</summary>
    public static readonly TimeSpan MaxValidity = TimeSpan.FromSeconds(60);

    private readonly TimeSpan _validity = validity < MaxValidity ? validity : MaxValidity;
    private readonly long _startedAt = time.GetTimestamp();

    public TimeSpan Left => _validity - time.GetElapsedTime(_startedAt);

    /// <summary>How many jobs of a call for many were accepted before this batch of them; for messages.</summary>
    public int AcceptedBefore { get; init; }

    /// <summary>Server time in ms, the same for all attempts; null until the first.</summary>
    public long? NotAfter { get; set; }
}
