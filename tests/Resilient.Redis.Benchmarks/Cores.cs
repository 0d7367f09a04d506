using System.Diagnostics;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Benchmarks;

/// <summary>A core for the server and one for the client: who shares a core with whom must not change from round to round.</summary>
internal static class Cores
{
    public static void Pin(TestServer server)
    {
        if (server is not RedisServer redis || Environment.ProcessorCount < 2 || !OperatingSystem.IsLinux())
            return;
        using var process = Process.GetProcessById(redis.ProcessId);
        using var self = Process.GetCurrentProcess();
        (process.ProcessorAffinity, self.ProcessorAffinity) = (1, 2);
    }

    /// <summary>For work that keeps several threads of the client busy.</summary>
    public static void Unpin()
    {
        if (!OperatingSystem.IsLinux())
            return;
        using var self = Process.GetCurrentProcess();
        self.ProcessorAffinity = (nint)((1L << Math.Min(Environment.ProcessorCount, 62)) - 1);
    }
}
