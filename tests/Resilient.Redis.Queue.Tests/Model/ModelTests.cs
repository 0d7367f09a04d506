using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Resilient.Redis.TestKit;
using Xunit.Abstractions;

namespace Resilient.Redis.Queue.Tests.Model;

/// <summary>Random calls and faults, on Redis and on the queue in memory at once: every reply and all that is stored must be the same, and the invariants must hold.</summary>
/// <remarks>MODEL_SEED=n runs that one sequence; MODEL_SEQUENCES=n runs so many new ones.</remarks>
public sealed class ModelTests(BothServers servers, ITestOutputHelper output) : IClassFixture<BothServers>
{
    private const int AtOnce = 8;
    private const int MostStories = 3;

    [NeedsRedisServerFact("it is the reference")]
    public Task Redis_and_memory_agree_in_two_thousand_known_sequences() => AgreeAsync(ServerKind.RedisServer, Seeds() ?? Enumerable.Range(1, 2000));

    [NeedsRedisServerFact("it is the reference")]
    public Task Redis_and_memory_agree_in_new_sequences() =>
        AgreeAsync(ServerKind.RedisServer, Seeds() ?? New(Number("MODEL_SEQUENCES") ?? 1000));

    [Fact]
    public Task Garnet_and_memory_agree() => AgreeAsync(ServerKind.Garnet, Seeds() ?? Enumerable.Range(1, 200));

    private async Task AgreeAsync(ServerKind kind, IEnumerable<int> seeds)
    {
        var connection = await servers.ConnectionAsync(kind);
        var clock = Stopwatch.StartNew();
        var failures = new ConcurrentDictionary<int, string>();
        var (sequences, steps) = (0, 0);
        await Parallel.ForEachAsync(seeds, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (seed, _) =>
        {
            if (failures.Count >= MostStories)
                return;
            var sequence = Sequence.Of(seed);
            if (await Lockstep.RunAsync(connection, sequence) is { } failure)
                failures[seed] = failure;
            Interlocked.Increment(ref sequences);
            Interlocked.Add(ref steps, sequence.Steps.Count);
        });
        output.WriteLine($"{sequences} sequences, {steps} steps, {clock.Elapsed.TotalSeconds:0.0} s; seeds {string.Join(" ", seeds.Take(3))} ...");
        if (failures.IsEmpty)
            return;

        var stories = new List<string>();
        foreach (var (seed, told) in failures)
        {
            var whole = Sequence.Of(seed);
            var (shortest, story) = await Shrinker.ShrinkAsync(whole, told, sequence => Lockstep.RunAsync(connection, sequence));
            stories.Add($"MODEL_SEED={seed} ({shortest.Steps.Count} of {whole.Steps.Count} steps are enough):\n{story}");
        }

        Assert.Fail(string.Join("\n\n", stories));
    }

    private static IEnumerable<int>? Seeds() => Number("MODEL_SEED") is { } seed ? [seed] : null;

    private static int[] New(int count) => [.. Enumerable.Range(0, count).Select(_ => Random.Shared.Next())];

    private static int? Number(string variable) => int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out var number) ? number : null;
}
