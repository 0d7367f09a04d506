using System.Diagnostics;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Benchmarks;

/// <summary>Who runs where: one-at-a-time figures change by 1.4 to 3.5 times with it.</summary>
internal enum Pinning
{
    /// <summary>A core for the server and one for the client.</summary>
    CoreEach,

    /// <summary>One core for both.</summary>
    OneCore,
}

/// <summary>Who shares a core with whom must not change from round to round.</summary>
internal static class Cores
{
    public static string Suffix(Pinning pinning) => pinning == Pinning.OneCore ? "-one-core" : "";

    public static string Text(Pinning pinning) => pinning == Pinning.OneCore ? ", client and server on one core" : ", a core each";

    public static void Pin(TestServer server, Pinning pinning = Pinning.CoreEach)
    {
        if (server is not RedisServer redis || Environment.ProcessorCount < 2 || !OperatingSystem.IsLinux())
            return;
        using var process = Process.GetProcessById(redis.ProcessId);
        using var self = Process.GetCurrentProcess();
        (process.ProcessorAffinity, self.ProcessorAffinity) = (1, pinning == Pinning.OneCore ? 1 : 2);
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
