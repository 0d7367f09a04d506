using System.Runtime.InteropServices;

namespace Resilient.Redis.Queue.Worker;

/// <summary>Gives memory back to the system after large jobs, when asked to (AGGRESSIVE_MEMORY_MANAGEMENT).</summary>
/// <remarks>
/// The garbage collector keeps what a burst has taken, and so does glibc for native libraries. An aggressive collection compacts and
/// decommits; malloc_trim does the same for the native heap. Both stop all threads for their time, so they run only after much
/// has been allocated and never often.
/// </remarks>
internal sealed partial class MemoryKeeper(bool enabled, TimeProvider time)
{
    public const long EnoughBytes = 64L * 1024 * 1024;

    public static readonly TimeSpan LeastPause = TimeSpan.FromSeconds(5);

    private long _allocated = GC.GetTotalAllocatedBytes();
    private long _releasedAt = long.MinValue;

    /// <summary>How often memory was given back.</summary>
    public int Releases { get; private set; }

    /// <summary>Called after jobs and on idle looks, so that the end of a burst is not missed.</summary>
    public void ReleaseWhenDue()
    {
        if (!enabled || GC.GetTotalAllocatedBytes() - _allocated < EnoughBytes)
            return;
        if (_releasedAt != long.MinValue && time.GetElapsedTime(_releasedAt) < LeastPause)
            return;

        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        TrimNativeHeap();
        _allocated = GC.GetTotalAllocatedBytes();
        _releasedAt = time.GetTimestamp();
        Releases++;
    }

    private static void TrimNativeHeap()
    {
        if (!OperatingSystem.IsLinux())
            return;
        try
        {
            _ = MallocTrim(0);
        }
        catch (EntryPointNotFoundException)
        {
            // Only glibc has it; musl gives memory back by itself.
        }
    }

    [LibraryImport("libc", EntryPoint = "malloc_trim")]
    private static partial int MallocTrim(nuint pad);
}
