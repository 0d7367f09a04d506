using ShapWorker.Penguins;

namespace ShapWorker.Explaining;

/// <summary>Why the model predicts what it predicts: <c>BaseValue</c> + the sum of <c>Contributions</c> = <c>Prediction</c>, all in grams.</summary>
/// <param name="Row">What was asked.</param>
/// <param name="BaseValue">The mean prediction, before anything is known of the penguin.</param>
/// <param name="Contributions">How far each feature, by its name, pushes the prediction.</param>
/// <param name="Prediction">The predicted body mass.</param>
internal sealed record Explanation(Penguin Row, double BaseValue, IReadOnlyDictionary<string, double> Contributions, double Prediction)
{
    /// <summary>How far the sum is from the prediction: rounding only, when the explanation is exact.</summary>
    public double AdditivityError() => Math.Abs(BaseValue + Contributions.Values.Sum() - Prediction);
}

/// <summary>The result of a job.</summary>
internal sealed record ExplainResult(IReadOnlyList<Explanation> Rows);
