using StackExchange.Redis;

namespace Resilient.Redis.Connections;

/// <summary>One slot of the pool: a multiplexer, whether it works, and how busy it is.</summary>
internal sealed class PooledConnection(int slot, IConnectionMultiplexer multiplexer, SocketSet sockets, TimeProvider time)
{
    private static readonly TimeSpan s_late = TimeSpan.FromMilliseconds(5);

    private int _outstanding;
    private int _ended;
    private int _seenEnded;
    private long _progressAt;
    private long _lateAfter = (long)(s_late.TotalSeconds * time.TimestampFrequency);
    private TimeSpan _leastLatency;
    private volatile bool _isUp;
    private volatile bool _isClosed;

    public int Slot => slot;

    public IConnectionMultiplexer Multiplexer => multiplexer;

    /// <summary>Made once: asking for it anew at each call would allocate.</summary>
    public IDatabase Database { get; } = multiplexer.GetDatabase();

    public SocketSet Sockets => sockets;

    public TrafficHistory History { get; } = new(time);

    /// <summary>Set by the pool only, which logs each change.</summary>
    public bool IsUp { get => _isUp; set => _isUp = value; }

    /// <summary>The pool has given it up; whoever still holds it takes another.</summary>
    public bool IsClosed { get => _isClosed; set => _isClosed = value; }

    /// <summary>The loss is told, and the driver's event for it is on its way.</summary>
    public bool EventIsStillToCome { get; set; }

    public bool WasEverUp { get; set; }

    /// <summary>When it came up, went down, or began to open.</summary>
    public long StateAt { get; set; } = time.GetTimestamp();

    /// <summary>The round trip of the last PING that was answered.</summary>
    public TimeSpan? Latency { get; private set; }

    public long LatencyAt { get; private set; }

    /// <summary>Why and when it was given up the last time: what was in flight then failed for that.</summary>
    public Drop? Dropped { get; set; }

    public int Outstanding => Volatile.Read(ref _outstanding);

    /// <summary>Whether replies are owed and none has come for 5 ms, or twice the usual round trip: a lower bound of the oldest one's age, which needs no list of calls.</summary>
    /// <remarks>Asked before each call, which is how it sees progress: a clock read at each reply would cost more than all else here.</remarks>
    public bool IsLate(long now)
    {
        var ended = Volatile.Read(ref _ended);
        if (Outstanding == 0 || ended != Volatile.Read(ref _seenEnded))
        {
            Volatile.Write(ref _seenEnded, ended);
            Volatile.Write(ref _progressAt, now);
            return false;
        }

        return now - Volatile.Read(ref _progressAt) > Volatile.Read(ref _lateAfter);
    }

    /// <summary>Closes at once: waiting for replies would hang on a server that gives none.</summary>
    public async Task CloseAsync()
    {
        IsClosed = true;
        IsUp = false;
        sockets.Close();
        await multiplexer.CloseAsync(allowCommandsToComplete: false).ConfigureAwait(false);
    }

    public void Answered(TimeSpan took)
    {
        Latency = took;
        LatencyAt = time.GetTimestamp();

        // The quickest of the last PINGs is what a round trip takes with nothing ahead of it in the pipe: on a link of 20 ms each reply is
        // 20 ms old, which is no reason for another connection. It rises by a tenth at most, so that one behind a large reply does not look usual.
        var most = _leastLatency + (_leastLatency / 10);
        _leastLatency = _leastLatency == TimeSpan.Zero || took < most ? took : most;
        Volatile.Write(ref _lateAfter, Timestamps(2 * _leastLatency > s_late ? 2 * _leastLatency : s_late));
    }

    public void Begin(long now)
    {
        if (Interlocked.Increment(ref _outstanding) == 1)
            Volatile.Write(ref _progressAt, now);
    }

    public void End()
    {
        Volatile.Write(ref _ended, _ended + 1);     // two at once may count as one: it only has to differ
        Interlocked.Decrement(ref _outstanding);
    }

    private long Timestamps(TimeSpan length) => (long)(length.TotalSeconds * time.TimestampFrequency);
}

/// <param name="Cause">Why.</param>
/// <param name="At">When, as a timestamp.</param>
internal sealed record Drop(string Cause, long At);
