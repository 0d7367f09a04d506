using System.Diagnostics;
using System.Globalization;
using Resilient.Redis.Benchmarks;
using Resilient.Redis.Benchmarks.Queue;
using Resilient.Redis.TestKit;
using StackExchange.Redis;

namespace Resilient.Redis.Peers.Parent;

/// <summary>Runs all rows: in each, all contenders round by round in turns, on one server.</summary>
internal sealed class Comparison(Arguments arguments)
{
    private readonly List<Result> _results = [];

    public async Task RunAsync()
    {
        if (!RedisServer.IsInstalled)
            throw new CannotRunException("This needs redis-server on the PATH: install it first.");
        if (arguments.Contenders.Contains(Contender.BullMQ))
            await NodePackages.InstallAsync();
        await using var server = await RedisServer.StartAsync();
        Cores.Pin(server);
        await using var beside = await server.ConnectAsync();
        await Console.Error.WriteLineAsync($"{ClientCore.Text}; {arguments.Rounds} rounds");
        var began = Stopwatch.GetTimestamp();
        foreach (var row in arguments.Rows)
        {
            await Console.Error.WriteLineAsync(row.Key);
            await MeasureAsync(row, server, beside);
        }

        var about = About.Run(beside.GetServers()[0].Version, arguments, Stopwatch.GetElapsedTime(began));
        Table.Print(about, _results, arguments.Contenders, Console.Out);
        if (arguments.Json is { } json)
            await File.WriteAllTextAsync(json, Table.ToJson(_results));
    }

    private async Task MeasureAsync(Row row, RedisServer server, ConnectionMultiplexer beside)
    {
        var children = new List<(Contender Contender, ContenderProcess Process, int Jobs)>();
        try
        {
            foreach (var contender in arguments.Contenders)
            {
                if (row.Jobs(contender) is > 0 and var jobs)
                    children.Add((contender, await ContenderProcess.StartAsync(contender, row, server), jobs));
            }

            foreach (var (contender, process, jobs) in children)
                await RoundAsync(row, contender, process, jobs / 4, server, beside);
            var figures = children.ToDictionary(child => child.Contender, _ => new List<double[]>());
            for (var round = 0; round < arguments.Rounds; round++)
            {
                // Who goes first changes: a drift of the machine then hits all alike.
                foreach (var (contender, process, jobs) in children.Skip(round % children.Count).Concat(children.Take(round % children.Count)))
                    figures[contender].Add(await RoundAsync(row, contender, process, jobs, server, beside));
            }

            _results.AddRange(Result.Of(row, figures));
            if (row.Commands is not null)
            {
                var counts = children.ToDictionary(child => child.Contender, _ => new List<double[]>());
                foreach (var (contender, process, jobs) in children)
                    counts[contender].Add(await CountAsync(contender, process, jobs, server, beside));
                _results.AddRange(Result.OfCommands(row, counts));
            }
        }
        finally
        {
            foreach (var child in children)
                await child.Process.DisposeAsync();
            await beside.GetServers()[0].FlushAllDatabasesAsync();
        }
    }

    private static async Task<double[]> RoundAsync(Row row, Contender contender, ContenderProcess process, int jobs, RedisServer server, ConnectionMultiplexer beside)
    {
        await process.AskAsync(new Request("prepare", jobs));
        var memory = row.Figure == Figure.Memory ? await ServerCounts.UsedMemoryAsync(beside) : 0;
        var (client, redis) = (process.Cpu, CpuOf(server));
        var values = await process.AskAsync(new Request("run", jobs));
        double[] figures = row.Figure switch
        {
            Figure.Memory => [((await ServerCounts.UsedMemoryAsync(beside) - memory) / (double)jobs) - BenchJob.Bytes],
            Figure.Latency => Percentiles(values),
            _ => [jobs / values[0], (process.Cpu - client).TotalMicroseconds / jobs, (CpuOf(server) - redis).TotalMicroseconds / jobs],
        };
        await Console.Error.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"  {contender.Name}: {string.Join(", ", figures.Select(figure => figure.ToString("N2", CultureInfo.InvariantCulture)))}"));
        await beside.GetServers()[0].FlushDatabaseAsync(contender.Database);
        return figures;
    }

    private static async Task<double[]> CountAsync(Contender contender, ContenderProcess process, int jobs, RedisServer server, ConnectionMultiplexer beside)
    {
        await process.AskAsync(new Request("prepare", jobs));
        await using var counter = new CommandCounter(server.Port, beside.GetDatabase());
        await counter.StartAsync();
        await process.AskAsync(new Request("run", jobs));
        var (byClients, all) = await counter.StopAsync();
        await beside.GetServers()[0].FlushDatabaseAsync(contender.Database);
        return [(double)byClients / jobs, (double)all / jobs];
    }

    private static TimeSpan CpuOf(RedisServer server)
    {
        using var process = Process.GetProcessById(server.ProcessId);
        return process.TotalProcessorTime;
    }

    private static double[] Percentiles(double[] seconds)
    {
        var sorted = seconds.Order().ToArray();
        return [sorted[sorted.Length / 2] * 1e3, sorted[(int)(sorted.Length * 0.99)] * 1e3];
    }
}
