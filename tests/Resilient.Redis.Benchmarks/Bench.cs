using System.Diagnostics;
using System.Runtime;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Benchmarks;

/// <summary>Runs two ways to do the same work in turns and keeps what the rounds say of each.</summary>
/// <param name="rounds">How many of each.</param>
/// <param name="alone">
/// The server, to run one side only and tell what each of its rounds costs in CPU time: for a profiler, which then sees nothing else, and for a
/// machine that is not quiet.
/// </param>
/// <param name="only">The key of the one row to run; null for all.</param>
/// <param name="rawAlone">Whether that side is the driver's and not ours.</param>
internal sealed class Bench(int rounds, TestServer? alone = null, string? only = null, bool rawAlone = false)
{
    private const int MostCompiled = 20;
    private const int MostWarmUps = 5;

    private readonly List<Result> _results = [];

    public IReadOnlyList<Result> Results => _results;

    /// <summary>Work whose figure is how long it takes.</summary>
    /// <param name="key">Short and stable, for comparisons over time.</param>
    /// <param name="row">What is done.</param>
    /// <param name="operations">How many operations one round is.</param>
    /// <param name="ours">The round through our library.</param>
    /// <param name="raw">The same with the driver alone.</param>
    public Task CompareAsync(string key, string row, int operations, Func<int, Task> ours, Func<int, Task> raw) =>
        CompareAsync(key, row, operations, new Work(ours), new Work(raw));

    /// <inheritdoc cref="CompareAsync(string, string, int, Func{int, Task}, Func{int, Task})"/>
    public async Task CompareAsync(string key, string row, int operations, Work ours, Work raw)
    {
        if (only is not null && only != key)
            return;
        Console.Error.WriteLine(key);
        if (alone is not null)
        {
            var side = rawAlone ? raw : ours;
            await WarmUpAsync(operations / 4, side);
            for (var round = 0; round < rounds; round++)
            {
                await side.PrepareAsync(operations);
                var before = Cpu();
                await side.Run(operations);
                var after = Cpu();
                await side.CleanUpAsync();
                Console.WriteLine($"{key}: {(after.Server - before.Server).TotalMicroseconds / operations:0.0} us/op of the server, {(after.Client - before.Client).TotalMicroseconds / operations:0.0} of the client");
            }

            return;
        }

        await WarmUpAsync(operations / 4, ours, raw);
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
            Median(ratios), ratios.Max() - ratios.Min(), Median(us.Select(s => s.Bytes)), Median(them.Select(s => s.Bytes)), Median(us.Select(s => s.Calls))));
    }

    /// <summary>A figure that is measured once, such as memory.</summary>
    public void Add(Result result) => _results.Add(result);

    /// <summary>Work that gives its own figures, lower being better.</summary>
    public async Task CompareAsync(string key, string row, string unit, Func<Task<double[]>> ours, Func<Task<double[]>> raw, string[] names)
    {
        var (us, them) = (new List<double[]>(), new List<double[]>());
        for (var round = 0; round < rounds; round++)
        {
            // Who goes first changes here too.
            if (round % 2 == 0)
                us.Add(await ours());
            them.Add(await raw());
            if (round % 2 == 1)
                us.Add(await ours());
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

    private (TimeSpan Server, TimeSpan Client) Cpu()
    {
        using var server = Process.GetProcessById(((RedisServer)alone!).ProcessId);
        return (server.TotalProcessorTime, Environment.CpuUsage.TotalTime);
    }

    /// <summary>Until the compiler has little left to do: what it does in the background, on the one core, is no part of what a process pays that has run for a while.</summary>
    private static async Task WarmUpAsync(int operations, params Work[] works)
    {
        long compiled, before;
        var rounds = 0;
        do
        {
            before = JitInfo.GetCompiledMethodCount();
            foreach (var work in works)
                await MeasureAsync(work, operations);
            compiled = JitInfo.GetCompiledMethodCount() - before;
        }
        while (compiled > MostCompiled && ++rounds < MostWarmUps);
    }

    private static async Task<Sample> MeasureAsync(Work work, int operations)
    {
        await work.PrepareAsync(operations);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var calls = work.Calls is null ? 0 : await work.Calls();
        var allocated = GC.GetTotalAllocatedBytes(precise: true);
        var began = Stopwatch.GetTimestamp();
        await work.Run(operations);
        var took = Stopwatch.GetElapsedTime(began);
        var bytes = GC.GetTotalAllocatedBytes(precise: true) - allocated;
        calls = work.Calls is null ? 0 : await work.Calls() - calls;
        await work.CleanUpAsync();
        return new Sample(took.TotalMicroseconds / operations, (double)bytes / operations, (double)calls / operations);
    }

    private readonly record struct Sample(double Microseconds, double Bytes, double Calls);
}

/// <summary>One side of a comparison.</summary>
/// <param name="Run">What is timed.</param>
/// <param name="Prepare">What goes before each round, untimed.</param>
/// <param name="CleanUp">What follows each round, untimed.</param>
/// <param name="Calls">How many calls of clients the server has counted so far.</param>
internal sealed record Work(Func<int, Task> Run, Func<int, Task>? Prepare = null, Func<Task>? CleanUp = null, Func<Task<long>>? Calls = null)
{
    public Task PrepareAsync(int operations) => Prepare?.Invoke(operations) ?? Task.CompletedTask;

    public Task CleanUpAsync() => CleanUp?.Invoke() ?? Task.CompletedTask;
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
/// <param name="RedisCallsPerJob">Calls of clients that the server counted for ours; 0 where they were not counted.</param>
internal sealed record Result(
    string Key, string Row, string Unit, double Ours, double Raw, double Ratio, double Spread, double BytesPerOp = 0, double RawBytesPerOp = 0, double RedisCallsPerJob = 0);
