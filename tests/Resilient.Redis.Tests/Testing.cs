using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Tests;

/// <summary>What most tests need: a pool whose environment is empty, and a stopwatch around a call that fails.</summary>
internal static class Testing
{
    /// <summary>Short enough that a test does not drag, long enough for a busy machine.</summary>
    public static readonly TimeSpan Attempt = TimeSpan.FromSeconds(1);

    /// <summary>What a busy machine of two cores may add to a time-out before its caller hears of it; less than the driver's next time-out.</summary>
    public static readonly TimeSpan Slack = TimeSpan.FromMilliseconds(900);

    /// <summary>Without waiting for any time-out: a fraction of the shortest one.</summary>
    public static readonly TimeSpan AtOnce = TimeSpan.FromMilliseconds(300);

    public static ResilientRedis Create(string connection, Action<ResilientRedisOptions>? configure = null, CollectedLogs? logs = null, IRedisConnectionFactory? factory = null)
    {
        var options = new ResilientRedisOptions { ConnectionString = connection, AttemptTimeout = Attempt, ConnectTimeout = TimeSpan.FromSeconds(2) };
        configure?.Invoke(options);
        return ResilientRedis.CreateWith(options, static _ => null, factory, logs, null);
    }

    /// <summary>The one command that shows whether it ran twice.</summary>
    public static Task<long> IncrementAsync(this IResilientRedis redis, string key, RetrySafety safety, CancellationToken cancellationToken = default) =>
        redis.ExecuteAsync(static (db, key) => db.StringIncrementAsync(key), key, safety, cancellationToken).AsTask();

    /// <summary>The library's own lines, as "event id: message".</summary>
    public static IEnumerable<string> Story(this CollectedLogs logs) =>
        logs.Lines.Where(line => line.Level >= LogLevel.Information).Select(line => $"{line.EventId.Id}: {line.Message}");

    public static async Task<(T Error, TimeSpan Elapsed)> FailsAsync<T>(Func<Task> call) where T : Exception
    {
        var clock = Stopwatch.StartNew();
        var error = (await call.Should().ThrowAsync<T>()).Which;
        return (error, clock.Elapsed);
    }
}
