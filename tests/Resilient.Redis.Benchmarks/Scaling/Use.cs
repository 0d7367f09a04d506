using System.Globalization;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Benchmarks.Scaling;

/// <summary>What the client and each primary have used so far; the difference of two readings is what lies between them.</summary>
/// <param name="At">Seconds of the clock.</param>
/// <param name="Client">Seconds of CPU of this process, with its handlers.</param>
/// <param name="Nodes">The primaries.</param>
internal sealed record Use(double At, double Client, IReadOnlyList<NodeUse> Nodes)
{
    public static async Task<Use> ReadAsync(RedisCluster cluster)
    {
        var nodes = new List<NodeUse>();
        for (var i = 0; i < cluster.Nodes.Count; i++)
            nodes.Add(NodeUse.Parse(await cluster.AskAsync(i, "INFO", "all")));
        var now = TimeProvider.System.GetTimestamp() / (double)TimeProvider.System.TimestampFrequency;
        return new Use(now, Environment.CpuUsage.TotalTime.TotalSeconds, nodes);
    }

    public static Use operator -(Use after, Use before) =>
        new(after.At - before.At, after.Client - before.Client, [.. after.Nodes.Zip(before.Nodes, (one, other) => one - other)]);
}

/// <summary>What a primary says of itself.</summary>
/// <param name="Cpu">Seconds of CPU.</param>
/// <param name="Scripts">Seconds in scripts, by the clock: of a primary that has a core to itself, the rest of its CPU is the network and what parses and writes for it.</param>
/// <param name="Calls">Script calls.</param>
/// <param name="BytesIn">From clients.</param>
/// <param name="BytesOut">To clients.</param>
/// <param name="Memory">used_memory, in bytes.</param>
internal readonly record struct NodeUse(double Cpu, double Scripts, double Calls, double BytesIn, double BytesOut, double Memory)
{
    /// <param name="info">The reply to <c>INFO all</c>.</param>
    public static NodeUse Parse(string info)
    {
        var lines = info.Split('\n').Select(line => line.Trim().Split(':', 2)).Where(line => line.Length == 2).ToDictionary(line => line[0], line => line[1]);
        return new NodeUse(
            Number(lines["used_cpu_user"]) + Number(lines["used_cpu_sys"]),
            (OfScripts(lines, "evalsha", "usec=") + OfScripts(lines, "eval", "usec=")) / 1e6,
            OfScripts(lines, "evalsha", "calls=") + OfScripts(lines, "eval", "calls="),
            Number(lines["total_net_input_bytes"]),
            Number(lines["total_net_output_bytes"]),
            Number(lines["used_memory"]));
    }

    public static NodeUse operator -(NodeUse after, NodeUse before) => new(
        after.Cpu - before.Cpu, after.Scripts - before.Scripts, after.Calls - before.Calls,
        after.BytesIn - before.BytesIn, after.BytesOut - before.BytesOut, after.Memory - before.Memory);

    /// <summary>Of a line such as <c>calls=21,usec=175,usec_per_call=8.33</c>; 0 for a command that was never called.</summary>
    private static double OfScripts(Dictionary<string, string> lines, string command, string field) =>
        lines.TryGetValue($"cmdstat_{command}", out var line) ? Number(line.Split(',').Single(part => part.StartsWith(field, StringComparison.Ordinal))[field.Length..]) : 0;

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
