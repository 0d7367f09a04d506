using Resilient.Redis.TestKit;
using Xunit.Abstractions;

namespace Resilient.Redis.Tests.Faults;

/// <summary>What every row of docs/failures.md holds to: only errors of the library, no call longer than TotalTimeout, health at once. Its figures go to the test's output.</summary>
[Collection(nameof(FaultRow))]
public abstract class FaultRow(ITestOutputHelper output)
{
    /// <summary>One after another: they measure time, and the machine has two cores.</summary>
    [CollectionDefinition(nameof(FaultRow), DisableParallelization = true)]
    public sealed class Alone;

    internal static TimeSpan WithinASecond { get; } = TimeSpan.FromSeconds(1);

    /// <summary>Runs the row until it holds, three times at most: the bound is the library's, and a busy machine adds its own.</summary>
    protected static async Task BestOfThreeAsync(Func<Task> row)
    {
        for (var round = 1; ; round++)
        {
            try
            {
                await row();
                return;
            }
            catch (Xunit.Sdk.XunitException) when (round < 3)
            {
                // Once more, on a fresh server.
            }
        }
    }

    /// <summary>Stops the load and holds it to what is true of every row.</summary>
    private protected async Task HoldsAsync(string row, ResilientRedis redis, Load load, params (string Name, TimeSpan Took)[] measured)
    {
        await load.StopAsync();
        output.WriteLine($"{row}: {string.Join(", ", measured.Select(m => FormattableString.Invariant($"{m.Name} {m.Took.TotalMilliseconds:0} ms")))}; {load.Summary()}");
        load.Failures().Should().NotContain(call => !(call.Error is ResilientRedisException), "{0}", string.Join('\n', load.Failures().Where(call => call.Error is not ResilientRedisException).Take(3).Select(call => call.Error)));
        load.LongestCall.Should().BeLessThan(redis.TotalTimeout + Testing.Slack);
        load.HealthP99.Should().BeLessThan(TimeSpan.FromMilliseconds(5));
    }

    private protected void Says(string line) => output.WriteLine(line);

    private protected static Task<TimeSpan> AwayAsync(ResilientRedis redis) =>
        Eventually.TrueAsync(() => !redis.Availability.IsUp && redis.Pool.Grace == TimeSpan.Zero, Testing.Attempt + Testing.Slack + WithinASecond);
}
