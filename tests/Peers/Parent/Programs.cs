namespace Resilient.Redis.Peers.Parent;

internal static class Programs
{
    /// <summary>Where a program is on the PATH; null where it is not.</summary>
    public static string? Find(string name) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .SelectMany(folder => (string[])(OperatingSystem.IsWindows() ? [Path.Combine(folder, name + ".exe"), Path.Combine(folder, name + ".cmd")] : [Path.Combine(folder, name)]))
            .FirstOrDefault(File.Exists);
}
