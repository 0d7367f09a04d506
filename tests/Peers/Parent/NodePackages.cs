using System.Diagnostics;
using System.Text.Json;

namespace Resilient.Redis.Peers.Parent;

/// <summary>BullMQ and what it needs, installed from the lock file beside the built program, once.</summary>
internal static class NodePackages
{
    private const string Missing = "BullMQ needs node 20 and npm on the PATH: install them, or leave it out with --only ours,hangfire.";

    private static readonly string s_folder = Path.Combine(AppContext.BaseDirectory, "BullMQ");

    public static string Node { get; } = Programs.Find("node") ?? "node";

    public static string Script { get; } = Path.Combine(s_folder, "peer.js");

    public static async Task InstallAsync()
    {
        var npm = Programs.Find("npm");
        if (npm is null || Programs.Find("node") is null)
            throw new CannotRunException(Missing);
        var installed = new FileInfo(Path.Combine(s_folder, "node_modules", ".package-lock.json"));
        if (installed.Exists && installed.LastWriteTimeUtc > File.GetLastWriteTimeUtc(Path.Combine(s_folder, "package-lock.json")))
            return;
        var start = new ProcessStartInfo(npm, ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]) { WorkingDirectory = s_folder, RedirectStandardOutput = true };
        using var process = Process.Start(start)!;
        await Console.Error.WriteLineAsync(await process.StandardOutput.ReadToEndAsync());
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
            throw new CannotRunException("npm could not install BullMQ; what it said is above. Mend that, or leave BullMQ out with --only ours,hangfire.");
    }

    public static string Version(string package)
    {
        using var description = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(s_folder, "node_modules", package, "package.json")));
        return description.RootElement.GetProperty("version").GetString()!;
    }
}
