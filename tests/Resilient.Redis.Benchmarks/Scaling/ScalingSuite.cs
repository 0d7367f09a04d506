using System.Globalization;
using System.Reflection;
using Resilient.Redis.Queue;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Benchmarks.Scaling;

/// <summary>Several queues on a Redis Cluster of three primaries. They share this machine's cores with the client, so what counts is what a job costs each of them, not the clock.</summary>
internal static class ScalingSuite
{
    private const int Jobs = 30_000;
    private const int Rounds = 5;

    public static async Task<IReadOnlyList<Figures>> RunAsync(bool quick)
    {
        // With a save point, which no run is long enough to reach, workers do not warn of jobs that a restart would lose.
        await using var cluster = await RedisCluster.StartPrimariesAsync("--save", "86400", "1");
        var loads = Load.All(await NamesInTurnsAsync(cluster, 4));
        var commit = typeof(IJobQueue).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion;
        Console.WriteLine($"Resilient.Redis.Queue {commit}; Redis Cluster {await VersionAsync(cluster)}, {RedisCluster.Shards} primaries without replicas; {Environment.ProcessorCount} cores for them and the client");
        foreach (var load in loads.DistinctBy(load => string.Join(',', load.Queues)))
            Console.WriteLine($"- {load.Row}: {string.Join(", ", await Task.WhenAll(load.Queues.Select(async queue => $"`{queue}` on primary {await PrimaryOfAsync(cluster, queue) + 1}")))}");
        Console.WriteLine();
        var figures = await new ScalingRounds(cluster, loads).RunAsync(quick ? 2 : Rounds, quick ? Jobs / 2 : Jobs);
        ScalingReport.Print(figures, Console.Out);
        return figures;
    }

    /// <summary>The first on the first primary, the second on the second, and so on, again from the first after the last.</summary>
    private static async Task<string[]> NamesInTurnsAsync(RedisCluster cluster, int count)
    {
        var names = new List<string>();
        for (var i = 0; names.Count < count; i++)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"queue-{i}");
            if (await PrimaryOfAsync(cluster, name) == names.Count % RedisCluster.Shards)
                names.Add(name);
        }

        return [.. names];
    }

    private static async Task<string> VersionAsync(RedisCluster cluster) =>
        (await cluster.AskAsync(0, "INFO", "server")).Split('\n').Single(line => line.StartsWith("redis_version:", StringComparison.Ordinal)).Trim().Split(':')[1];

    private static Task<int> PrimaryOfAsync(RedisCluster cluster, string queue) => cluster.ShardOfAsync($"{{{new JobQueueOptions().KeyPrefix}:{queue}}}");
}
