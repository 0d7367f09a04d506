using System.Diagnostics;
using Xunit.Sdk;

namespace Resilient.Redis.TestKit;

/// <summary>Awaits a condition with a deadline, instead of sleeping and hoping.</summary>
public static class Eventually
{
    /// <summary>Returns how long it took; fails the test with <paramref name="otherwise"/> after <paramref name="within"/>.</summary>
    public static async Task<TimeSpan> TrueAsync(Func<Task<bool>> condition, TimeSpan within, Func<string>? otherwise = null)
    {
        var clock = Stopwatch.StartNew();
        while (!await condition())
        {
            if (clock.Elapsed > within)
                throw new XunitException($"Not within {within.TotalSeconds:0.###} s: {otherwise?.Invoke() ?? "the condition did not become true"}");
            await Task.Delay(10);
        }

        return clock.Elapsed;
    }

    /// <inheritdoc cref="TrueAsync(Func{Task{bool}}, TimeSpan, Func{string}?)"/>
    public static Task<TimeSpan> TrueAsync(Func<bool> condition, TimeSpan within, Func<string>? otherwise = null) =>
        TrueAsync(() => Task.FromResult(condition()), within, otherwise);
}
