using System.Globalization;
using StackExchange.Redis;

namespace Resilient.Redis.Benchmarks.Queue;

/// <summary>What the server says of itself.</summary>
internal static class ServerCounts
{
    /// <summary>Script calls, which is all that a queue sends for its jobs. What scripts call inside is not counted.</summary>
    public static async ValueTask<long> CallsAsync(IConnectionMultiplexer connection) =>
        await SumAsync(connection, "calls=", name => name is "evalsha" or "eval");

    /// <summary>Server time in scripts, in microseconds.</summary>
    public static async ValueTask<long> ScriptMicrosecondsAsync(IConnectionMultiplexer connection) =>
        await SumAsync(connection, "usec=", name => name is "evalsha" or "eval");

    public static async ValueTask<long> UsedMemoryAsync(IConnectionMultiplexer connection)
    {
        var info = (string)(await connection.GetDatabase().ExecuteAsync("INFO", "memory"))!;
        return long.Parse(info.Split('\n').First(line => line.StartsWith("used_memory:", StringComparison.Ordinal)).Split(':')[1], CultureInfo.InvariantCulture);
    }

    private static async ValueTask<long> SumAsync(IConnectionMultiplexer connection, string field, Func<string, bool> counts)
    {
        var info = (string)(await connection.GetDatabase().ExecuteAsync("INFO", "commandstats"))!;
        var sum = 0L;
        foreach (var line in info.Split('\n').Where(line => line.StartsWith("cmdstat_", StringComparison.Ordinal)))
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (!counts(line["cmdstat_".Length..colon]))
                continue;
            var value = line[(line.IndexOf(field, StringComparison.Ordinal) + field.Length)..];
            sum += long.Parse(value[..value.IndexOf(',', StringComparison.Ordinal)], CultureInfo.InvariantCulture);
        }

        return sum;
    }
}
