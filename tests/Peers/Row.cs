using Resilient.Redis.Benchmarks.Queue;

namespace Resilient.Redis.Peers;

internal enum Figure
{
    /// <summary>Jobs a second; more is better. The child tells how long it took.</summary>
    Rate,

    /// <summary>p50 and p99; less is better. The child tells each job's time.</summary>
    Latency,

    /// <summary>What a waiting job takes in Redis over its payload. The child only enqueues.</summary>
    Memory,
}

/// <summary>One kind of work.</summary>
/// <param name="Key">Short and stable; the children know it by this name.</param>
/// <param name="Text">What is done.</param>
/// <param name="Figure">What is told of it.</param>
/// <param name="Jobs">How many jobs a round has, by contender: slow ones get fewer, for their figures are by the second. 0: it cannot do this.</param>
/// <param name="Commands">Whether a further round counts what Redis was asked to do, and what those jobs had done to them.</param>
internal sealed record Row(string Key, string Text, Figure Figure, Func<Contender, int> Jobs, string? Commands = null)
{
    public const int Callers = 64;
    public const int Slots = 64;
    public const int IdleSlots = 4;
    public const int HangfireSlots = 20;

    public static IReadOnlyList<Row> All { get; } =
    [
        new("enqueue-1", "enqueue, awaited one by one", Figure.Rate, Each(5_000, 5_000, 2_000), "enqueued one by one"),
        new("enqueue-64", $"enqueue, {Callers} callers at once", Figure.Rate, Each(64_000, 32_000, 6_400)),
        new("enqueue-many", "enqueue 1,000 in a call", Figure.Rate, Each(100_000, 50_000, 0)),
        new("drain", $"drain no-op jobs, {Slots} slots (Hangfire {HangfireSlots})", Figure.Rate, Each(60_000, 20_000, 2_000), "worked off"),
        new("drain-1ms", $"drain jobs of 1 ms, {Slots} slots", Figure.Rate, Each(30_000, 20_000, 1_500)),
        new("latency", "enqueue call to handler start, worker idle", Figure.Latency, Each(200, 200, 200)),
        new("memory", $"used_memory a waiting job, over its {BenchJob.Bytes} bytes", Figure.Memory, Each(100_000, 50_000, 5_000)),
    ];

    /// <summary>How many jobs each of the callers has.</summary>
    public static IEnumerable<int> Shares(int jobs) => Enumerable.Range(0, Callers).Select(caller => (jobs + caller) / Callers);

    private static Func<Contender, int> Each(int ours, int bullMQ, int hangfire) =>
        contender => contender == Contender.Ours ? ours : contender == Contender.BullMQ ? bullMQ : hangfire;
}
