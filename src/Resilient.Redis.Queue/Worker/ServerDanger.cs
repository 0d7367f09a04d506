using Resilient.Redis.Queue.Storage;

namespace Resilient.Redis.Queue.Worker;

/// <summary>A setting of the server that loses jobs.</summary>
/// <param name="Setting">Its name and value.</param>
/// <param name="Consequence">What it does to jobs.</param>
/// <param name="Remedy">What to do.</param>
internal sealed record ServerDanger(string Setting, string Consequence, string Remedy)
{
    /// <summary>Only what is known for certain: of what a server does not tell, nothing is said.</summary>
    public static IReadOnlyList<ServerDanger> In(ServerSettings settings)
    {
        List<ServerDanger> found = [];
        if (settings.EvictionPolicy is { } policy && policy != "noeviction")
            found.Add(new($"maxmemory-policy {policy}", "when its memory is full, it deletes jobs to make room", "CONFIG SET maxmemory-policy noeviction, and the same in its configuration"));
        if (settings is { AppendOnly: false, SavePoints: "" })
            found.Add(new("appendonly no and no save points", "what it holds is lost when it restarts", "CONFIG SET appendonly yes, and the same in its configuration"));
        if (settings.Role is "slave" or "replica")
            found.Add(new("role replica", "it refuses writes, or loses them when it next follows its primary", "connect to the primary, or name the sentinels in the connection string"));
        return found;
    }

    public override string ToString() => $"{Setting}: {Consequence}. {Remedy}.";
}
