using System.Globalization;
using Resilient.Redis.Connections;
using Resilient.Redis.Options;
using StackExchange.Redis;

namespace Resilient.Redis.Resilience;

/// <summary>Says why a reply did not come in time, with the figures that show it: the driver only knows that it did not.</summary>
internal sealed class TimeoutDiagnosis(ThreadPoolLag threads, ResolvedRedisOptions options, TimeProvider time)
{
    /// <summary>A reply of that size takes long enough to be what others wait for.</summary>
    private const long LargeBytes = 1 << 20;

    private static readonly TimeSpan s_starved = TimeSpan.FromMilliseconds(250);

    /// <summary>Whether at this moment the process itself is what keeps Redis from being heard; null when it is not.</summary>
    public Diagnosis? Starvation => threads.Now >= s_starved ? Starved(threads.Now) : null;

    /// <summary>The finding and its advice; null where the failure is no time-out, or the connection tells nothing.</summary>
    /// <param name="connection">What the call waited on.</param>
    /// <param name="error">How it failed.</param>
    /// <param name="waited">How long it waited.</param>
    public Diagnosis? Explain(PooledConnection connection, Exception error, TimeSpan waited)
    {
        if (error is not TimeoutException)
            return connection.Dropped is { } drop && time.GetElapsedTime(drop.At) <= waited ? Dead($"it was closed: {drop.Cause}") : null;

        var (replies, received) = connection.History.Within(waited);
        var traffic = connection.Sockets.Traffic();
        var lag = threads.WorstWithin(waited);
        var isStarved = lag >= s_starved && lag >= waited / 4;

        // With threads of its own the driver sends and reads whatever happens: then starvation is told, but is not the cause.
        var isUnsent = error is RedisTimeoutException { Commandstatus: not CommandStatus.Sent };
        if (isStarved && (!DedicatedThreads.IsOn || isUnsent || traffic.Unread > 0))
            return Starved(lag);
        var aside = isStarved ? $"; the thread pool is starved too: {ThreadPoolLag.Figures(lag)}" : "";
        if (received >= LargeBytes)
            return new("LARGE", $"large payload ahead in the pipe: {Bytes(received)} came in on connection {connection.Slot} meanwhile{aside}", "Split large values, or read them over a connection of their own.");
        if (replies > 0 || received > 0 || connection.Multiplexer.IsConnected is false)
            return new("SLOW", $"server slow: {Count(replies)} came on connection {connection.Slot} meanwhile, {Latency(connection)}{aside}", $"Look at SLOWLOG GET and at the server's load; if that is how it must be, raise {options.TimeoutSource}.");
        if (traffic.Unacknowledged > 0)
            return Dead($"not a byte came on connection {connection.Slot} for {Seconds(traffic.Quiet ?? waited)}, and {traffic.Unacknowledged} packets to the server are unconfirmed{aside}");
        return new("SILENT", $"server slow or connection dead: not a byte came on connection {connection.Slot} for {Seconds(traffic.Quiet ?? waited)}, although its side confirmed what was sent; {Latency(connection)}{aside}", $"The connection is replaced if a fresh one answers. If none does, look at the server (SLOWLOG GET, its load); if it is only slow, raise {options.TimeoutSource}.");
    }

    private static Diagnosis Starved(TimeSpan lag) => new(
        "STARVED",
        $"thread pool starved: {ThreadPoolLag.Figures(lag)}",
        "Redis is not to blame: find what blocks threads of the pool (.Result, .Wait(), sync calls), or raise ThreadPool.SetMinThreads.");

    private static Diagnosis Dead(string figures) => new("DEAD", $"connection dead: {figures}", "It is replaced by itself; if it happens often, look at the network between here and Redis.");

    private string Latency(PooledConnection connection) => connection.Latency is { } latency
        ? string.Create(CultureInfo.InvariantCulture, $"the last PING that was answered took {latency.TotalMilliseconds:0.0} ms, {time.GetElapsedTime(connection.LatencyAt).TotalSeconds:0.0} s ago")
        : "no PING was answered yet";

    private static string Count(long replies) => replies == 1 ? "1 reply" : string.Create(CultureInfo.InvariantCulture, $"{replies} replies");

    private static string Bytes(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1048576.0:0.0} MiB");

    private static string Seconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.0} s");
}

/// <param name="Code">For metrics and tests: STARVED, DEAD, SLOW, SILENT or LARGE.</param>
/// <param name="Finding">What was found, with figures.</param>
/// <param name="Advice">What to do.</param>
internal sealed record Diagnosis(string Code, string Finding, string Advice);
