namespace Resilient.Redis.Benchmarks.Scaling;

/// <summary>What one job of a load costs, as medians of the rounds; times in microseconds.</summary>
/// <param name="Load">Which jobs.</param>
/// <param name="Work">enqueue or drain.</param>
/// <param name="JobsPerSecond">By the clock: of a machine whose cores clients and servers share.</param>
/// <param name="Server">CPU of all primaries together.</param>
/// <param name="ServerFrom">The cheapest round.</param>
/// <param name="ServerTo">The dearest round.</param>
/// <param name="Scripts">The time of their scripts; by the clock, so no part of the CPU where primaries have to wait for a core.</param>
/// <param name="Nodes">CPU of each primary, over all jobs and not only over its own.</param>
/// <param name="Client">CPU of the process that produces and works.</param>
/// <param name="Calls">Script calls.</param>
/// <param name="BytesIn">What the primaries receive.</param>
/// <param name="BytesOut">What they send.</param>
/// <param name="Memory">What used_memory has grown by.</param>
internal sealed record Figures(
    Load Load, string Work, double JobsPerSecond, double Server, double ServerFrom, double ServerTo, double Scripts, double[] Nodes, double Client, double Calls,
    double BytesIn, double BytesOut, double Memory)
{
    /// <summary>The primary that is full first.</summary>
    public double Busiest => Nodes.Max();

    public static Figures Of(Load load, string work, int jobs, IEnumerable<Use> rounds)
    {
        Use[] uses = [.. rounds];
        double[] server = [.. uses.Select(use => Total(use, node => node.Cpu) * 1e6 / jobs)];
        return new Figures(
            load, work, Bench.Median(uses.Select(use => jobs / use.At)), Bench.Median(server), server.Min(), server.Max(),
            Of(node => node.Scripts) * 1e6,
            [.. Enumerable.Range(0, uses[0].Nodes.Count).Select(i => Bench.Median(uses.Select(use => use.Nodes[i].Cpu * 1e6 / jobs)))],
            Bench.Median(uses.Select(use => use.Client * 1e6 / jobs)),
            Of(node => node.Calls), Of(node => node.BytesIn), Of(node => node.BytesOut), Of(node => node.Memory));

        double Of(Func<NodeUse, double> figure) => Bench.Median(uses.Select(use => Total(use, figure) / jobs));
    }

    private static double Total(Use use, Func<NodeUse, double> figure) => use.Nodes.Sum(figure);
}
