using System.Globalization;
using ShapWorker.Explaining;
using ShapWorker.Penguins;

namespace ShapWorker.Api;

/// <summary>One feature's push on the way from the average to the prediction.</summary>
internal readonly record struct Step(string Label, string Value, double From, double Push)
{
    public double To => From + Push;
}

/// <summary>An explanation as a story: its steps in order, and the words for them.</summary>
internal static class Waterfall
{
    /// <summary>The strongest push first.</summary>
    public static IReadOnlyList<Step> Steps(Explanation explanation)
    {
        var steps = new List<Step>();
        var at = explanation.BaseValue;
        foreach (var feature in Feature.All.OrderByDescending(feature => Math.Abs(Push(feature))))
        {
            steps.Add(new(feature.Label, feature.Describe(explanation.Row), at, Push(feature)));
            at += Push(feature);
        }

        return steps;

        double Push(Feature feature) => explanation.Contributions.GetValueOrDefault(feature.Name);
    }

    /// <summary>The picture for those who do not see it.</summary>
    public static string Tell(Explanation explanation, IReadOnlyList<Step> steps) =>
        $"From the average prediction of {Grams(explanation.BaseValue)}: "
        + string.Join(", ", steps.Select(step => $"{step.Label} {step.Value} {Signed(step.Push)}"))
        + $"; which gives {Grams(explanation.Prediction)}.";

    public static string Grams(double grams) => string.Create(CultureInfo.InvariantCulture, $"{grams:N0} g");

    public static string Signed(double grams) => Math.Round(grams) switch
    {
        0 => "±0 g",
        < 0 => string.Create(CultureInfo.InvariantCulture, $"−{-grams:N0} g"),
        _ => string.Create(CultureInfo.InvariantCulture, $"+{grams:N0} g"),
    };
}
