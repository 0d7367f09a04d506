using Resilient.Redis.TestKit;

namespace Resilient.Redis.Benchmarks;

/// <summary>
/// Our calls and the raw driver's in the same run, round by round in turns: only their ratio means anything on a machine that others share.
/// <c>dotnet run -c Release --project tests/Resilient.Redis.Benchmarks -- connection [--json FILE] [--quick]</c>
/// </summary>
public static class Program
{
    public static async Task<int> Main(string[] args)
    {
        var suite = args.FirstOrDefault();
        var json = Array.IndexOf(args, "--json") is > 0 and var at && at + 1 < args.Length ? args[at + 1] : null;
        if (suite is not "connection")
        {
            await Console.Error.WriteLineAsync("connection [--json FILE] [--quick]");
            return 2;
        }

        await using var server = await TestServer.StartAsync();
        Cores.Pin(server);
        Console.WriteLine($"{server.GetType().Name}, {Environment.ProcessorCount} cores");
        var bench = new Bench(args.Contains("--quick") ? 3 : 9);
        await ConnectionRows.RunAsync(server, bench, args.Contains("--only-large"));
        Report.Print(bench.Results, Console.Out);
        if (json is not null)
            await File.WriteAllTextAsync(json, Report.ToJson(bench.Results));
        return 0;
    }
}
