using Resilient.Redis.Benchmarks.Queue;
using Resilient.Redis.Benchmarks.Scaling;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Benchmarks;

/// <summary>
/// Our calls and the raw driver's in the same run, round by round in turns: only their ratio means anything on a machine that others share.
/// <c>dotnet run -c Release --project tests/Resilient.Redis.Benchmarks -- queue|connection|scaling [--json FILE] [--quick] [--only KEY]</c>
/// </summary>
public static class Program
{
    private const string Usage = "queue|connection|scaling [--json FILE] [--quick] [--only enqueue|drain|latency|memory|depth|leases, or the key of a row of the first two or of connection] [--prefetch N] [--alone [raw]]";
    private const int DefaultPrefetch = 1000;

    private static readonly string[] s_partsOfRows = ["enqueue", "drain"]; // of their rows one can be run by itself

    public static async Task<int> Main(string[] args)
    {
        var suite = args.FirstOrDefault();
        if (suite is not ("connection" or "queue" or "scaling"))
        {
            await Console.Error.WriteLineAsync(Usage);
            return 2;
        }

        if (suite == "scaling")
            return await ScaleAsync(args.Contains("--quick"), Option(args, "--json"));

        if (suite == "queue" && await Cores.RestartPinnedAsync(args) is { } exit)
            return exit;

        await using var server = await TestServer.StartAsync();
        Cores.Pin(server);
        Console.WriteLine($"{server.GetType().Name}, {Cores.OfMachine} cores, a core each for client and server where a row does not say otherwise");
        var only = Option(args, "--only");
        var part = s_partsOfRows.FirstOrDefault(name => only?.StartsWith(name + '-', StringComparison.Ordinal) == true);
        var bench = new Bench(args.Contains("--quick") ? 3 : 9, args.Contains("--alone") ? server : null, part is null && suite == "queue" ? null : only, Option(args, "--alone") == "raw");
        if (suite == "connection")
            await ConnectionRows.RunAsync(server, bench, args.Contains("--only-large"));
        else
            await QueueAsync(server, bench, part ?? only, int.TryParse(Option(args, "--prefetch"), out var prefetch) ? prefetch : DefaultPrefetch);
        Report.Print(bench.Results, Console.Out);
        if (Option(args, "--json") is { } json)
            await File.WriteAllTextAsync(json, Report.ToJson(bench.Results));
        return 0;
    }

    private static async Task QueueAsync(TestServer server, Bench bench, string? only, int prefetch)
    {
        (string Name, Func<Task> Run)[] parts =
        [
            ("enqueue", () => EnqueueRows.RunAsync(server, bench)),
            ("drain", () => DrainRows.RunAsync(server, bench, prefetch)),
            ("latency", () => LatencyRow.RunAsync(server, bench)),
            ("memory", () => SizeRows.MemoryAsync(server, bench)),
            ("depth", () => SizeRows.DepthAsync(server, bench, prefetch)),
            ("leases", () => SizeRows.LeasesAsync(server, bench)),
        ];
        foreach (var (name, run) in parts)
        {
            if (only is null || only == name)
                await run();
        }
    }

    /// <summary>Has servers of its own, and figures that are compared with nothing raw.</summary>
    private static async Task<int> ScaleAsync(bool quick, string? json)
    {
        if (!RedisServer.IsInstalled)
        {
            await Console.Error.WriteLineAsync("scaling needs redis-server: Garnet's cluster cannot be started by this program. Install Redis 7 and run again.");
            return 2;
        }

        var figures = await ScalingSuite.RunAsync(quick);
        if (json is not null)
            await File.WriteAllTextAsync(json, ScalingReport.ToJson(figures));
        return 0;
    }

    private static string? Option(string[] args, string name) => Array.IndexOf(args, name) is >= 0 and var at && at + 1 < args.Length ? args[at + 1] : null;
}
