using System.Text.Json;

namespace ShapWorker.Tests;

/// <summary>
/// Shapley values by their definition: each feature's mean marginal push over all 2^n coalitions. The value of a coalition is the trees'
/// own conditional expectation: a split on a known feature is followed, one on an unknown feature is averaged by how many training rows went each way.
/// Shares no code with LightGBM: it reads the dumped trees.
/// </summary>
internal sealed class BruteForceShapley(string dumpedModel)
{
    private readonly Node[] _trees = Read(dumpedModel);

    /// <summary>One value a feature, then the base value.</summary>
    public double[] Explain(double[] row)
    {
        var count = row.Length;
        var values = Enumerable.Range(0, 1 << count).Select(coalition => _trees.Sum(tree => tree.Expect(row, coalition))).ToArray();
        var result = new double[count + 1];
        for (var feature = 0; feature < count; feature++)
        {
            for (var coalition = 0; coalition < values.Length; coalition++)
            {
                if ((coalition & (1 << feature)) != 0)
                    continue;
                var size = int.PopCount(coalition);
                result[feature] += Factorial(size) * Factorial(count - size - 1) / Factorial(count) * (values[coalition | (1 << feature)] - values[coalition]);
            }
        }

        result[count] = values[0];
        return result;
    }

    private static double Factorial(int n) => n < 2 ? 1 : n * Factorial(n - 1);

    private static Node[] Read(string json)
    {
        using var document = JsonDocument.Parse(json);
        return [.. document.RootElement.GetProperty("tree_info").EnumerateArray().Select(tree => Read(tree.GetProperty("tree_structure")))];
    }

    private static Node Read(JsonElement node)
    {
        if (!node.TryGetProperty("split_feature", out var feature))
            return new Leaf(node.GetProperty("leaf_value").GetDouble(), node.TryGetProperty("leaf_count", out var count) ? count.GetDouble() : 1);

        var threshold = node.GetProperty("threshold");
        Func<double, bool> goesLeft = node.GetProperty("decision_type").GetString() switch
        {
            "<=" => Below(threshold.GetDouble()),
            "==" => OneOf([.. threshold.GetString()!.Split("||").Select(double.Parse)]),
            var unknown => throw new InvalidOperationException($"Unknown decision type {unknown}."),
        };
        return new Split(
            feature.GetInt32(), goesLeft, Read(node.GetProperty("left_child")), Read(node.GetProperty("right_child")), node.GetProperty("internal_count").GetDouble());
    }

    private static Func<double, bool> Below(double threshold) => value => value <= threshold;

    private static Func<double, bool> OneOf(HashSet<double> codes) => codes.Contains;

    private abstract record Node(double Cover)
    {
        public abstract double Expect(double[] row, int coalition);
    }

    private sealed record Leaf(double Value, double Cover) : Node(Cover)
    {
        public override double Expect(double[] row, int coalition) => Value;
    }

    private sealed record Split(int Feature, Func<double, bool> GoesLeft, Node Left, Node Right, double Cover) : Node(Cover)
    {
        public override double Expect(double[] row, int coalition) => (coalition & (1 << Feature)) == 0
            ? (Left.Cover * Left.Expect(row, coalition) + Right.Cover * Right.Expect(row, coalition)) / Cover
            : (GoesLeft(row[Feature]) ? Left : Right).Expect(row, coalition);
    }
}
