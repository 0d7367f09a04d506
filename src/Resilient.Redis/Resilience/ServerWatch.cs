using System.Net;
using Resilient.Redis.Connections;
using StackExchange.Redis;

namespace Resilient.Redis.Resilience;

/// <summary>What the watchdog knows of one server of one connection: does it still answer?</summary>
/// <remarks>Its PING is a task that nobody awaits: looking whether it has ended needs no thread of a pool that may be starved.</remarks>
internal sealed class ServerWatch(IServer server, SocketSet sockets, TimeSpan patience, TimeProvider time)
{
    private static readonly TimeSpan s_deaf = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan s_most = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_slowFor = TimeSpan.FromSeconds(30);

    private readonly Line _interactive = new(ConnectionType.Interactive) { HeardAt = time.GetTimestamp() };
    private readonly Line _subscription = new(ConnectionType.Subscription) { HeardAt = time.GetTimestamp() };
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

    /// <summary>A reply came since the last look, however late.</summary>
    public bool HasReplied => _interactive.HasReplied;

    public int Owed => _interactive.Owed;

    public long Replies => _interactive.Replies;

    public void Listen()
    {
        var counters = server.GetCounters();
        IsSilent = Silent(_interactive, counters.Interactive);

        // Only what was asked after that silence began proves that the server would have answered there too. There is no hurry:
        // only the driver's keepalive asks on this socket, and a stream of late replies on the other does not show how late they are.
        _subscription.Slowest = Longer(_interactive.Slowest, s_deaf / 1.5);
        IsDeaf = Silent(_subscription, counters.Subscription) && time.GetElapsedTime(_subscription.HeardAt, _interactive.RepliedAt) > patience / 2;
    }

    /// <summary>After a loss or a repair nothing is owed from before, and nothing is known of how slow it is.</summary>
    public void Reset()
    {
        var counters = server.GetCounters();
        _interactive.Reset(counters.Interactive, time.GetTimestamp());
        _subscription.Reset(counters.Subscription, time.GetTimestamp());
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
        line.HasReplied = replies != line.Replies;
        if (line.HasReplied)
        {
            // A server that was silent and then answered is slow, and is known as slow for a while.
            var silence = time.GetElapsedTime(line.HeardAt);
            if (silence > Longer(line.Slowest, patience) || time.GetElapsedTime(line.SlowAt) > s_slowFor)
                (line.Slowest, line.SlowAt) = (silence, time.GetTimestamp());
            (line.Replies, line.RepliedAt) = (replies, time.GetTimestamp());
        }

        if (line.Owed == 0 || line.HasReplied)
        {
            line.HeardAt = time.GetTimestamp();
            return false;
        }

        if (time.GetElapsedTime(line.HeardAt) < Patience(line))
            return false;

        // Half of a large reply is a sign of life; bytes that nobody has read yet show that it is we who are slow.
        var traffic = sockets.Traffic(server.EndPoint, line.Type);
        return traffic.Unread == 0 && !(traffic.Quiet < patience);
    }

    /// <summary>Half again the longest silence that ended with a reply, within bounds: slowness is no death.</summary>
    private TimeSpan Patience(Line line)
    {
        var known = 1.5 * line.Slowest;
        return Longer(known < s_most ? known : s_most, patience);
    }

    private static TimeSpan Longer(TimeSpan one, TimeSpan other) => one > other ? one : other;

    private sealed class Line(ConnectionType type)
    {
        public ConnectionType Type => type;

        public int Owed { get; set; }

        public long Replies { get; set; }

        /// <summary>When a reply came or none was owed.</summary>
        public long HeardAt { get; set; }

        public long RepliedAt { get; set; }

        public bool HasReplied { get; set; }

        public TimeSpan Slowest { get; set; }

        public long SlowAt { get; set; }

        public void Reset(ConnectionCounters counters, long now)
        {
            Owed = counters.SentItemsAwaitingResponse;
            Replies = counters.OperationCount - Owed;
            (HeardAt, HasReplied, Slowest) = (now, false, TimeSpan.Zero);
        }
    }
}
