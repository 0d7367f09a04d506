using Resilient.Redis.TestKit;

namespace Resilient.Redis.Benchmarks.Scaling;

/// <summary>All loads in turns, round by round; each on an empty cluster and in a host of its own, so that nothing else runs meanwhile.</summary>
internal sealed class ScalingRounds(RedisCluster cluster, Load[] loads)
{
    private static readonly TimeSpan s_untilForgotten = QueuesUnderTest.ShortestMemory + TimeSpan.FromSeconds(1.5);

    private readonly Dictionary<Load, List<Round>> _rounds = loads.ToDictionary(load => load, _ => new List<Round>());

    /// <param name="rounds">How many count; a shorter one goes before them.</param>
    /// <param name="jobs">Of each load in each round.</param>
    public async Task<IReadOnlyList<Figures>> RunAsync(int rounds, int jobs)
    {
        Console.Error.WriteLine("warming up");
        foreach (var load in loads)
            await RunAsync(load with { BesideForgetting = false }, jobs / 3);
        for (var round = 0; round < rounds; round++)
        {
            Console.Error.WriteLine($"round {round + 1} of {rounds}");
            // Who goes first changes: a drift of the machine then hits all alike.
            foreach (var load in loads.Skip(round % loads.Length).Concat(loads.Take(round % loads.Length)))
                _rounds[load].Add(await RunAsync(load, jobs));
        }

        return [.. loads.SelectMany(load => (Figures[])[
            Figures.Of(load, "enqueue", jobs, _rounds[load].Select(round => round.Enqueue)),
            Figures.Of(load, "drain", jobs, _rounds[load].Select(round => round.Drain))])];
    }

    private async Task<Round> RunAsync(Load load, int jobs)
    {
        for (var node = 0; node < cluster.Nodes.Count; node++)
            await cluster.AskAsync(node, "FLUSHALL", "SYNC");
        await using var queues = await QueuesUnderTest.StartAsync(cluster, load);
        if (load.BesideForgetting)
        {
            await load.ProduceAsync(queues.Services, jobs);
            await queues.DrainAsync(jobs);
            await queues.PauseAsync();
            await Task.Delay(s_untilForgotten);
        }

        return new Round(await MeasureAsync(() => load.ProduceAsync(queues.Services, jobs)), await MeasureAsync(() => queues.DrainAsync(jobs)));
    }

    private async Task<Use> MeasureAsync(Func<Task> work)
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var before = await Use.ReadAsync(cluster);
        await work();
        return await Use.ReadAsync(cluster) - before;
    }

    private sealed record Round(Use Enqueue, Use Drain);
}
