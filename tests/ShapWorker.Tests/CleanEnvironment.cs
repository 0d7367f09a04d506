using System.Runtime.CompilerServices;

namespace ShapWorker.Tests;

/// <summary>What the machine that runs the tests may have set would change their outcome: neither they nor the processes that they start see it.</summary>
internal static class CleanEnvironment
{
    [ModuleInitializer]
    public static void Clean()
    {
        foreach (var name in Environment.GetEnvironmentVariables().Keys.Cast<string>().Where(IsOurs).ToArray())
            Environment.SetEnvironmentVariable(name, null);
    }

    private static bool IsOurs(string name) =>
        name.StartsWith("REDIS", StringComparison.Ordinal)
        || name.StartsWith("ASPNETCORE_", StringComparison.Ordinal)
        || name is "PORT" or "DOTNET_URLS" or "AGGRESSIVE_MEMORY_MANAGEMENT";
}
