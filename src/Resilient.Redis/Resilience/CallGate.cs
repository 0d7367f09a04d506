using Resilient.Redis.Connections;
using Resilient.Redis.Diagnostics;
using Resilient.Redis.Options;

namespace Resilient.Redis.Resilience;

/// <summary>Lets a call through to a connection that works; while Redis is away it fails at once, or waits where FailFast is off.</summary>
internal sealed class CallGate(ResolvedRedisOptions options, ConnectionPool pool, Availability availability, RedisErrorText text, TimeoutDiagnosis diagnosis, RedisTelemetry telemetry, TimeProvider time)
{
    public RedisErrorText Text => text;

    public RedisTelemetry Telemetry => telemetry;

    public TimeSpan TotalTimeout => options.TotalTimeout;

    public PooledConnection? TryPick() => pool.TryPick();

    /// <summary>For when <see cref="TryPick"/> found none: opens the first connection, or fails fast, or waits.</summary>
    public async ValueTask<PooledConnection> WaitForOneAsync(CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        try
        {
            await pool.OpenFirstAsync().WaitAsync(Shorter(options.ConnectTimeout + options.AttemptTimeout, options.TotalTimeout), time, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // Still opening: the same as away.
        }

        for (; ; )
        {
            if (pool.TryPick() is { } connection)
                return connection;
            var left = options.TotalTimeout - time.GetElapsedTime(began);

            // Known to be away is it only once the reconnect after a loss has been tried.
            if (options.FailFast)
                left = Shorter(left, pool.Grace);
            if (left <= TimeSpan.Zero)
                throw Away();
            try
            {
                await availability.WhenUp.WaitAsync(left, time, cancellationToken).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                // Asked again above, and then it is known.
            }
        }
    }

    /// <summary>Whether an exception is a failure of Redis; all else is the caller's own and passes as it is.</summary>
    /// <remarks>The driver answers on a closed multiplexer with ObjectDisposedException; on an open one it is the command's own.</remarks>
    public static bool IsFault(Exception error, PooledConnection? connection = null) =>
        RedisErrors.IsDriver(error) || error is RedisUnavailableException || (error is ObjectDisposedException && connection is { IsClosed: true });

    /// <summary>A failure that shows the connection as lost stops the next call from choosing it, before the driver's event comes.</summary>
    /// <returns>Why it failed, as far as can be told.</returns>
    public Diagnosis? Saw(PooledConnection? connection, Exception error, TimeSpan waited)
    {
        if (error is RedisUnavailableException || RedisErrors.Classify(error) == Failure.Refused)
            return null;
        availability.Saw(error);
        if (connection is null)
            return null;
        var found = diagnosis.Explain(connection, error, waited);
        if (connection is { IsClosed: false, IsUp: true, Multiplexer.IsConnected: false })
            pool.SetDown(connection, text.Cause(error), error, LossSeenBy.Call);
        return found;
    }

    /// <summary>Redis is known to be away: since when, why, and what to do.</summary>
    public ResilientRedisException Away()
    {
        telemetry.FailedFast();
        var last = availability.LastError;
        if (last is not null && RedisErrors.Classify(last) == Failure.Refused)
            return text.ToException("the command", last, mayHaveExecuted: false);
        var since = availability.Since;
        var seconds = (time.GetUtcNow() - since).TotalSeconds;
        var cause = last is null ? "no connection has been opened yet" : text.Cause(last);
        var advice = text.Advice(last is null ? "CONNECTION" : text.CodeOf(last));

        // Without a thread to read with, a server that is well looks as if it were away.
        if (!DedicatedThreads.IsOn && diagnosis.Starvation is { } starved)
            (cause, advice) = ($"{cause}; {starved.Finding}", starved.Advice);
        return new RedisUnavailableException(
            FormattableString.Invariant($"{options.Title} at {options.Endpoint}: the command was not sent: {(availability.WasEverUp ? "Redis is away since" : "never connected, tried since")} {since:HH:mm:ss}Z ({seconds:0.0} s): {cause}. {advice}"),
            mayHaveExecuted: false,
            last);
    }

    private static TimeSpan Shorter(TimeSpan one, TimeSpan other) => one < other ? one : other;
}
