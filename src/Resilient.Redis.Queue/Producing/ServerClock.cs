using Resilient.Redis.Queue.Storage;

namespace Resilient.Redis.Queue.Producing;

/// <summary>Redis's clock as seen from here: the offset found in the last reply.</summary>
internal sealed class ServerClock(JobStore store, TimeProvider time)
{
    private readonly long _origin = time.GetTimestamp();
    private long _offset = long.MinValue;

    /// <summary>Server time in ms; asks Redis the first time.</summary>
    public async ValueTask<long> NowAsync(CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref _offset) == long.MinValue)
            Observe(await store.GetServerTimeAsync(cancellationToken).ConfigureAwait(false));
        return Volatile.Read(ref _offset) + Local();
    }

    public void Observe(long serverTime) => Volatile.Write(ref _offset, serverTime - Local());

    private long Local() => (long)time.GetElapsedTime(_origin).TotalMilliseconds;
}
