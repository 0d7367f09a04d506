using ShapWorker.LightGbm;
using ShapWorker.Penguins;

namespace ShapWorker.Explaining;

/// <summary>Predicts a penguin's body mass, and explains each prediction. Safe for concurrent use.</summary>
internal sealed class PenguinModel : IDisposable
{
    private const int Trees = 100;

    // categorical_feature: species, island and sex have no order, and a split "is Gentoo" says what a split "code <= 1" only approximates.
    // deterministic, one thread and row-wise: the same model, to the bit, at every start and in every worker.
    private const string Parameters =
        "objective=regression num_leaves=15 learning_rate=0.1 min_data_in_leaf=10 categorical_feature=0,1,5 "
        + "deterministic=true force_row_wise=true num_threads=1 seed=1 verbosity=-1";

    private readonly Booster _booster;

    private PenguinModel(Booster booster) => _booster = booster;

    /// <summary>Trains on all complete rows; takes well under a second.</summary>
    /// <exception cref="LightGbmException">LightGBM is missing; the message says what to install.</exception>
    public static PenguinModel Train()
    {
        var rows = PenguinData.Complete;
        return new(Booster.Train(Encode([.. rows.Select(row => row.Penguin)]), [.. rows.Select(row => (float)row.BodyMassGrams)], Parameters, Trees));
    }

    /// <exception cref="ArgumentException">A species, island or sex is not known.</exception>
    public IReadOnlyList<Explanation> Explain(IReadOnlyList<Penguin> penguins)
    {
        var matrix = Encode(penguins);
        var predictions = _booster.Predict(matrix);
        var values = _booster.Explain(matrix);
        var width = Feature.All.Count + 1;
        return [.. penguins.Select((penguin, row) => Read(penguin, values.AsSpan(row * width, width), predictions[row]))];
    }

    /// <summary>The trees as JSON, for whoever wants to check the explanations.</summary>
    public string Dump() => _booster.Dump();

    public void Dispose() => _booster.Dispose();

    private static double[] Encode(IReadOnlyList<Penguin> penguins) =>
        [.. penguins.SelectMany(penguin => Feature.All.Select(feature => feature.Encode(penguin)))];

    private static Explanation Read(Penguin penguin, ReadOnlySpan<double> values, double prediction)
    {
        var contributions = new Dictionary<string, double>(Feature.All.Count);
        for (var column = 0; column < Feature.All.Count; column++)
            contributions.Add(Feature.All[column].Name, values[column]);
        return new(penguin, values[^1], contributions, prediction);
    }
}
