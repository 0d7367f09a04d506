using System.Net;
using Microsoft.Extensions.Logging;
using Resilient.Redis.Diagnostics;
using Resilient.Redis.Options;
using Resilient.Redis.Resilience;
using StackExchange.Redis;

namespace Resilient.Redis.Connections;

/// <summary>Changes the state of connections, one change at a time, and writes the one log line of each change.</summary>
internal sealed class ConnectionStates(ResolvedRedisOptions options, RedisErrorText text, RedisTelemetry telemetry, ILogger logger, TimeProvider time)
{
    private readonly Lock _lock = new();
    private bool _complained;

    /// <summary>Returns false when it was up already.</summary>
    public bool Up(PooledConnection connection)
    {
        lock (_lock)
        {
            if (connection.IsUp)
                return false;
            var elapsed = (long)time.GetElapsedTime(connection.StateAt).TotalMilliseconds;
            connection.StateAt = time.GetTimestamp();
            connection.IsUp = true;
            telemetry.Connected(again: connection.WasEverUp);
            if (connection.WasEverUp)
                Log.Recovered(logger, options.Title, connection.Slot, options.Endpoint, elapsed);
            else
                Log.Opened(logger, options.Title, connection.Slot, options.Endpoint, elapsed);
            connection.WasEverUp = true;
            _complained = false;
            return true;
        }
    }

    /// <summary>Returns false when it was down already.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="cause">Why, for the log.</param>
    /// <param name="by">The driver's events come late, and may come after the reconnect: one whose loss is told already must not tell it again.</param>
    public bool Down(PooledConnection connection, string cause, LossSeenBy by)
    {
        lock (_lock)
        {
            if (by == LossSeenBy.Event && connection.EventIsStillToCome)
            {
                connection.EventIsStillToCome = false;
                return false;
            }

            if (by == LossSeenBy.Closing || (by == LossSeenBy.Call && connection.IsUp))
                connection.EventIsStillToCome = true;
            if (!connection.IsUp)
                return false;
            var seconds = Math.Round(time.GetElapsedTime(connection.StateAt).TotalSeconds, 3);
            connection.StateAt = time.GetTimestamp();
            connection.IsUp = false;
            telemetry.Lost(by);
            Log.Lost(logger, options.Title, connection.Slot, options.Endpoint, seconds, cause);
            return true;
        }
    }

    /// <summary>One server's sockets of a connection that has others were closed: the connection as a whole goes on.</summary>
    public void ServerDropped(PooledConnection connection, EndPoint server, string cause) =>
        Log.ServerDropped(logger, options.Title, connection.Slot, ResolvedRedisOptions.Text(server), cause);

    /// <summary>Told once for each outage, however often the watchdog tries again.</summary>
    public void NotOpened(int slot, long began, Exception error)
    {
        lock (_lock)
        {
            if (_complained)
                return;
            _complained = true;
            var elapsed = (long)time.GetElapsedTime(began).TotalMilliseconds;
            var code = text.CodeOf(error);
            if (code is "NOAUTH" or "WRONGPASS" or "TLS" or "HANDSHAKE" or "DNS" or "NOPERM")
                Log.Misconfigured(logger, options.Title, slot, options.Endpoint, elapsed, text.Cause(error), text.Advice(code));
            else
                Log.NotOpened(logger, options.Title, slot, options.Endpoint, elapsed, text.Cause(error), text.Advice(code));
        }
    }

    public string Cause(ConnectionFailureType failure, Exception? error) => failure switch
    {
        ConnectionFailureType.SocketClosed => "the server closed it",
        _ when error is not null => $"{text.Cause(error)} ({failure})",
        _ => failure.ToString(),
    };
}

/// <summary>How a loss came to be known.</summary>
internal enum LossSeenBy
{
    /// <summary>The driver's event.</summary>
    Event,

    /// <summary>A failed call; the event follows.</summary>
    Call,

    /// <summary>Our own closing of its sockets; the event follows.</summary>
    Closing,

    /// <summary>The watchdog: no event follows.</summary>
    Watchdog,
}
