using System.Runtime.InteropServices;

namespace Resilient.Redis.Queue.Worker;

/// <summary>A monotonic clock that also runs while the machine is suspended, unlike <see cref="TimeProvider.System"/> (rule R10).</summary>
internal sealed partial class SuspendClock : TimeProvider
{
    private const int LinuxClockBoottime = 7;
    private const int MacClockMonotonic = 6; // on macOS this one counts sleep
    private const long NanosecondsInSecond = 1_000_000_000;

    private static readonly int s_clock = OperatingSystem.IsMacOS() ? MacClockMonotonic : LinuxClockBoottime;

    public static SuspendClock Instance { get; } = new();

    public override long TimestampFrequency => NanosecondsInSecond;

    public override long GetTimestamp()
    {
        if (OperatingSystem.IsWindows())
            return (long)GetTickCount64() * 1_000_000; // counts sleep and hibernation, in ms

        if (ClockGetTime(s_clock, out var time) != 0)
            throw new InvalidOperationException($"clock_gettime({s_clock}) failed with errno {Marshal.GetLastPInvokeError()}.");
        return time.Seconds * NanosecondsInSecond + time.Nanoseconds;
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime", SetLastError = true)]
    private static partial int ClockGetTime(int clock, out TimeSpec time);

    [LibraryImport("kernel32")]
    private static partial ulong GetTickCount64();

    [StructLayout(LayoutKind.Sequential)]
    private struct TimeSpec
    {
        public nint Seconds;
        public nint Nanoseconds;
    }
}
