using System.Diagnostics;

namespace Resilient.Redis.Benchmarks;

/// <summary>Runs two ways to do the same work in turns and keeps what the rounds say of each.</summary>
internal sealed class Bench(int rounds)
{
    private readonly List<Result> _results = [];

    public IReadOnlyList<Result> Results => _results;

    /// <summary>Work whose figure is how long it takes.</summary>
    /// <param name="key">Short and stable, for comparisons over time.</param>
    /// <param name="row">What is done.</param>
    /// <param name="operations">How many operations one round is.</param>
    /// <param name="ours">The round through our library.</param>
    /// <param name="raw">The same with the driver alone.</param>
    public async Task CompareAsync(string key, string row, int operations, Func<int, Task> ours, Func<int, Task> raw)
    {
        await ours(operations / 4);
        await raw(operations / 4);
        var (us, them) = (new List<Sample>(), new List<Sample>());
        for (var round = 0; round < rounds; round++)
        {
            // Who goes first changes: a drift of the machine then hits both alike.
            var (first, second) = round % 2 == 0 ? (ours, raw) : (raw, ours);
            var (one, other) = (await MeasureAsync(first, operations), await MeasureAsync(second, operations));
            us.Add(round % 2 == 0 ? one : other);
            them.Add(round % 2 == 0 ? other : one);
        }

        var ratios = us.Zip(them, (mine, theirs) => theirs.Microseconds / mine.Microseconds).ToList();
        _results.Add(new Result(
            key, row, "us/op", Median(us.Select(s => s.Microseconds)), Median(them.Select(s => s.Microseconds)),
            Median(ratios), ratios.Max() - ratios.Min(), Median(us.Select(s => s.Bytes)), Median(them.Select(s => s.Bytes))));
    }

    /// <summary>Work that gives its own figures, lower being better.</summary>
    public async Task CompareAsync(string key, string row, string unit, Func<Task<double[]>> ours, Func<Task<double[]>> raw, string[] names)
    {
        var (us, them) = (new List<double[]>(), new List<double[]>());
        for (var round = 0; round < rounds; round++)
        {
            us.Add(await ours());
            them.Add(await raw());
        }

        for (var i = 0; i < names.Length; i++)
        {
            var ratios = us.Zip(them, (mine, theirs) => theirs[i] / mine[i]).ToList();
            _results.Add(new Result($"{key}-{names[i]}", $"{row}, {names[i]}", unit, Median(us.Select(s => s[i])), Median(them.Select(s => s[i])), Median(ratios), ratios.Max() - ratios.Min(), 0, 0));
        }
    }

    public static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : (sorted[(sorted.Length / 2) - 1] + sorted[sorted.Length / 2]) / 2;
    }

    private static async Task<Sample> MeasureAsync(Func<int, Task> work, int operations)
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var allocated = GC.GetTotalAllocatedBytes(precise: true);
        var began = Stopwatch.GetTimestamp();
        await work(operations);
        var took = Stopwatch.GetElapsedTime(began);
        return new Sample(took.TotalMicroseconds / operations, (double)(GC.GetTotalAllocatedBytes(precise: true) - allocated) / operations);
    }

    private readonly record struct Sample(double Microseconds, double Bytes);
}

/// <param name="Key">Short and stable.</param>
/// <param name="Row">What was done.</param>
/// <param name="Unit">Of the two figures; lower is better.</param>
/// <param name="Ours">Median of the rounds.</param>
/// <param name="Raw">The driver's.</param>
/// <param name="Ratio">Median of the rounds' ratios; above 1 is better than raw.</param>
/// <param name="Spread">Between the best and the worst round's ratio.</param>
/// <param name="BytesPerOp">Allocated by ours, the caller's own part included.</param>
/// <param name="RawBytesPerOp">Allocated by the driver's, likewise.</param>
internal sealed record Result(string Key, string Row, string Unit, double Ours, double Raw, double Ratio, double Spread, double BytesPerOp, double RawBytesPerOp);
