using StackExchange.Redis;

namespace Resilient.Redis.Connections;

/// <summary>One slot of the pool: a multiplexer, whether it works, and how busy it is.</summary>
internal sealed class PooledConnection(int slot, IConnectionMultiplexer multiplexer, SocketSet sockets, TimeProvider time)
{
    private int _outstanding;
    private long _progressAt;
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

    /// <summary>Whether replies are owed and none has come for so long: a lower bound of the oldest one's age, which needs no list of calls.</summary>
    public bool IsWaitingLongerThan(TimeSpan limit) =>
        Outstanding > 0 && time.GetElapsedTime(Volatile.Read(ref _progressAt)) > limit;

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
    }

    public void Begin()
    {
        if (Interlocked.Increment(ref _outstanding) == 1)
            Volatile.Write(ref _progressAt, time.GetTimestamp());
    }

    public void End()
    {
        Volatile.Write(ref _progressAt, time.GetTimestamp());
        Interlocked.Decrement(ref _outstanding);
    }
}

/// <param name="Cause">Why.</param>
/// <param name="At">When, as a timestamp.</param>
internal sealed record Drop(string Cause, long At);
