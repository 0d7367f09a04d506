using Resilient.Redis.Benchmarks;

namespace Resilient.Redis.Peers.Parent;

/// <summary>One line of the table.</summary>
/// <param name="Key">Short and stable.</param>
/// <param name="Row">What was done.</param>
/// <param name="Unit">Of the figures.</param>
/// <param name="Figures">The median of each contender's rounds; who cannot do this is missing.</param>
/// <param name="Ratio">Median of the rounds' ratios of ours to the best peer; above 1 ours is better. Null without ours or without a peer.</param>
/// <param name="Spread">Between the best and the worst round's ratio.</param>
internal sealed record Result(string Key, string Row, string Unit, IReadOnlyDictionary<Contender, double> Figures, double? Ratio, double? Spread)
{
    public static IEnumerable<Result> Of(Row row, Dictionary<Contender, List<double[]>> rounds) => row.Figure switch
    {
        Figure.Rate =>
        [
            Of(row.Key, row.Text, "jobs/s", rounds, 0, moreIsBetter: true),
            Of(row.Key + "-client", $"{row.Text}: CPU of the client a job", "us", rounds, 1),
            Of(row.Key + "-server", $"{row.Text}: CPU of Redis a job", "us", rounds, 2),
        ],
        Figure.Latency => [Of(row.Key + "-p50", row.Text + ", p50", "ms", rounds, 0), Of(row.Key + "-p99", row.Text + ", p99", "ms", rounds, 1)],
        _ => [Of(row.Key, row.Text, "bytes", rounds, 0)],
    };

    public static IEnumerable<Result> OfCommands(Row row, Dictionary<Contender, List<double[]>> rounds) =>
    [
        Of(row.Key + "-calls", $"calls of Redis by clients, a job {row.Commands}", "calls", rounds, 0),
        Of(row.Key + "-commands", $"commands run by Redis, within scripts too, a job {row.Commands}", "commands", rounds, 1),
    ];

    private static Result Of(string key, string text, string unit, Dictionary<Contender, List<double[]>> rounds, int figure, bool moreIsBetter = false)
    {
        var medians = rounds.ToDictionary(pair => pair.Key, pair => Bench.Median(pair.Value.Select(values => values[figure])));
        var peers = medians.Where(pair => pair.Key != Contender.Ours).OrderBy(pair => moreIsBetter ? -pair.Value : pair.Value).ToList();
        if (peers.Count == 0 || !rounds.TryGetValue(Contender.Ours, out var ours))
            return new Result(key, text, unit, medians, null, null);
        var ratios = ours.Zip(rounds[peers[0].Key], (mine, theirs) => moreIsBetter ? mine[figure] / theirs[figure] : theirs[figure] / mine[figure]).ToList();
        return new Result(key, text, unit, medians, Bench.Median(ratios), ratios.Max() - ratios.Min());
    }
}
