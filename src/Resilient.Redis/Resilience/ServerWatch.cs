using System.Net;
using Resilient.Redis.Connections;
using StackExchange.Redis;

namespace Resilient.Redis.Resilience;

/// <summary>What the watchdog knows of one server of one connection: does it still answer?</summary>
/// <remarks>Its PING is a task that nobody awaits: looking whether it has ended needs no thread of a pool that may be starved.</remarks>
internal sealed class ServerWatch(IServer server, SocketSet sockets, TimeSpan patience, TimeProvider time)
{
    private readonly Line _interactive = new(ConnectionType.Interactive);
    private readonly Line _subscription = new(ConnectionType.Subscription);
    private Task<TimeSpan>? _ping;
    private long _pingAt = time.GetTimestamp();

    public EndPoint EndPoint => server.EndPoint;

    public bool IsConnected => server.IsConnected;

    public bool IsPinging => _ping is not null;

    /// <summary>The time since the last PING left.</summary>
    public TimeSpan SincePing => time.GetElapsedTime(_pingAt);

    /// <summary>Replies are owed, and not a byte came for all of the patience.</summary>
    public bool IsSilent { get; private set; }

    /// <summary>The same of the socket that only carries what is published, while the server answers on the other one.</summary>
    public bool IsDeaf { get; private set; }

    public int Owed => _interactive.Owed;

    public long Replies => _interactive.Replies;

    public void Listen()
    {
        var counters = server.GetCounters();
        IsSilent = Silent(_interactive, counters.Interactive);
        IsDeaf = Silent(_subscription, counters.Subscription) && _interactive.RepliedAt > _subscription.HeardAt;
    }

    /// <summary>After a loss or a repair nothing is owed from before.</summary>
    public void Heard()
    {
        _interactive.HeardAt = _subscription.HeardAt = time.GetTimestamp();
        IsSilent = IsDeaf = false;
    }

    public void Ping()
    {
        _pingAt = time.GetTimestamp();
        _ping = server.PingAsync();
    }

    /// <summary>How the last PING came out; null while there is nothing new to tell.</summary>
    public PingResult? TakePing()
    {
        if (_ping is not { } ping)
            return null;
        if (!ping.IsCompleted && SincePing < patience)
            return null;
        _ping = null;
        if (ping.IsCompletedSuccessfully)
            return PingResult.Of(Took(ping));
        if (ping.IsCompleted)
            return PingResult.Of(ping.Exception?.InnerException);

        // Its failure, when that comes, is of no interest any more.
        _ = ping.ContinueWith(static late => late.Exception, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        return PingResult.Of(new TimeoutException());
    }

#pragma warning disable RS0030 // It has ended: this neither waits nor blocks.
    private static TimeSpan Took(Task<TimeSpan> ended) => ended.Result;
#pragma warning restore RS0030

    private bool Silent(Line line, ConnectionCounters counters)
    {
        line.Owed = counters.SentItemsAwaitingResponse;
        var replies = counters.OperationCount - line.Owed;
        if (replies != line.Replies)
            line.RepliedAt = time.GetTimestamp();
        if (line.Owed == 0 || replies != line.Replies)
        {
            line.Replies = replies;
            line.HeardAt = time.GetTimestamp();
            return false;
        }

        if (time.GetElapsedTime(line.HeardAt) < patience)
            return false;

        // Half of a large reply is a sign of life; bytes that nobody has read yet show that it is we who are slow.
        var traffic = sockets.Traffic(server.EndPoint, line.Type);
        return traffic.Unread == 0 && !(traffic.Quiet < patience);
    }

    private sealed class Line(ConnectionType type)
    {
        public ConnectionType Type => type;

        public int Owed { get; set; }

        public long Replies { get; set; }

        /// <summary>When a reply came or none was owed.</summary>
        public long HeardAt { get; set; }

        public long RepliedAt { get; set; }
    }
}
