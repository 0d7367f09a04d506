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

    /// <summary>Of the machine, not of this process.</summary>
    public static int OfMachine => File.Exists("/proc/cpuinfo") ? File.ReadLines("/proc/cpuinfo").Count(line => line.StartsWith("processor", StringComparison.Ordinal)) : Environment.ProcessorCount;

    /// <summary>Runs this program again on the client's core, so that its runtime knows that it has one: threads that are pinned later spin for each other on it. And so that it soon runs the code that a process runs after minutes.</summary>
    /// <returns>Its exit code; null where this is that run, or there is nothing to pin.</returns>
    public static async Task<int?> RestartPinnedAsync(string[] args)
    {
        if (Environment.ProcessorCount < 2 || !OperatingSystem.IsLinux())
            return null;
        string[] program = Path.GetFileNameWithoutExtension(Environment.ProcessPath!) == "dotnet" ? [Environment.ProcessPath!, typeof(Cores).Assembly.Location] : [Environment.ProcessPath!];
        var start = new ProcessStartInfo("taskset", ["-c", "1", .. program, .. args]) { UseShellExecute = false };
        start.Environment["DOTNET_TC_CallCountingDelayMs"] = "0"; // else methods are still compiled anew minutes later, on the one core, and ours has more of them
        using var again = Process.Start(start)!;
        await again.WaitForExitAsync();
        return again.ExitCode;
    }

    public static void Pin(TestServer server, Pinning pinning = Pinning.CoreEach)
    {
        if (server is not RedisServer redis || OfMachine < 2 || !OperatingSystem.IsLinux())
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
