namespace Resilient.Redis.Queue.Worker;

/// <summary>The pause before a further attempt: doubles with each, with jitter so that what failed together does not come back together.</summary>
internal static class Backoff
{
    private const double Jitter = 0.25;

    /// <param name="failures">1 after the first failure.</param>
    /// <param name="first">The pause after the first failure.</param>
    /// <param name="longest">The longest pause.</param>
    /// <param name="random">From 0 to 1.</param>
    /// <returns>Up to a quarter less than the full pause, never more than <paramref name="longest"/>.</returns>
    public static TimeSpan Delay(int failures, TimeSpan first, TimeSpan longest, double random)
    {
        var full = Math.Min(first.TotalMilliseconds * Math.Pow(2, Math.Min(failures - 1, 50)), longest.TotalMilliseconds);
        return TimeSpan.FromMilliseconds(full * (1 - Jitter * random));
    }
}
