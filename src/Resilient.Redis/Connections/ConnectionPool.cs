using System.Net;
using Resilient.Redis.Diagnostics;
using Resilient.Redis.Options;
using Resilient.Redis.Resilience;
using StackExchange.Redis;

namespace Resilient.Redis.Connections;

/// <summary>Up to PoolSize multiplexers. Slot 0 is opened first and never replaced, since others may share it; the driver reconnects its sockets.</summary>
internal sealed class ConnectionPool(
    ResolvedRedisOptions options,
    IRedisConnectionFactory factory,
    ConnectionProbe probe,
    ConnectionStates states,
    Availability availability,
    RedisTelemetry telemetry,
    TimeProvider time) : IDisposable
{
    private static readonly TimeSpan s_reconnect = TimeSpan.FromMilliseconds(500);

    private const int LargeSlot = 1;

    private readonly PooledConnection?[] _slots = new PooledConnection?[options.PoolSize];
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _closing = new();
    private Task _opening = Task.CompletedTask;
    private Task _growing = Task.CompletedTask;
    private bool _wanted;
    private long _graceFrom;
    private long _graceTicks;

    /// <summary>Slot 0; null until it was opened.</summary>
    public PooledConnection? First => Volatile.Read(ref _slots[0]);

    public int Most => _slots.Length;

    /// <summary>Whether somebody has asked for a connection: before that nothing is opened.</summary>
    public bool IsWanted => Volatile.Read(ref _wanted);

    public IEnumerable<PooledConnection> Open => _slots.OfType<PooledConnection>();

    /// <summary>Which calls bring large values. They share one connection, and the others leave it to them.</summary>
    public LargeReplies Large { get; } = new();

    /// <summary>The first working connection whose replies are not late, else the one with the fewest calls under way; null when none works. One that is known dead is never picked.</summary>
    /// <remarks>Never another for concurrency alone: spread over ten connections the same calls take twice as long as on one (docs/performance.md). Only late replies ask for another.</remarks>
    public PooledConnection? TryPick(long now, bool isLarge = false)
    {
        if (!availability.IsUp)
            return null;
        if (isLarge && _slots.Length > LargeSlot)
        {
            if (_slots[LargeSlot] is { IsUp: true } apart)
                return apart;
            Grow();
        }

        PooledConnection? best = null;
        foreach (var connection in _slots)
        {
            if (connection is not { IsUp: true } || (connection.Slot == LargeSlot && Large.Any && best is not null))
                continue;
            if (!connection.IsLate(now))
                return connection;
            if (best is null || connection.Outstanding < best.Outstanding)
                best = connection;
        }

        if (best is not null)
            Grow();
        return best;
    }

    public PooledConnection? TryPick() => TryPick(time.GetTimestamp());

    /// <summary>Opens slot 0 where it is not; ends when that is decided, and never throws: <see cref="Availability"/> has the outcome.</summary>
    public Task OpenFirstAsync()
    {
        lock (_lock)
        {
            Volatile.Write(ref _wanted, true);
            if (_opening.IsCompleted && _slots[0] is null && !_closing.IsCancellationRequested)
                _opening = Task.Run(() => OpenAsync(0));
            return _opening;
        }
    }

    /// <summary>Gives a connection up that gave no answer. Its calls under way fail at once, as ambiguous.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="cause">Why, for the log.</param>
    /// <param name="server">The one server that is meant, where the connection has several: the others keep their sockets.</param>
    public async Task DropAsync(PooledConnection connection, string cause, EndPoint? server = null)
    {
        telemetry.Found("dead");
        connection.Dropped = new(cause, time.GetTimestamp());
        if (server is not null && connection.Multiplexer.GetEndPoints().Length > 1)
        {
            states.ServerDropped(connection, server, cause);
            connection.Sockets.Close(server);
            return;
        }

        SetDown(connection, cause, null, LossSeenBy.Closing);
        if (connection.Slot == 0)
        {
            // Others hold this multiplexer: only its sockets go, and the driver opens new ones.
            connection.Sockets.Close();
            return;
        }

        lock (_lock)
        {
            if (_slots[connection.Slot] == connection)
                _slots[connection.Slot] = null;
        }

        await connection.CloseAsync().ConfigureAwait(false);
    }

    /// <summary>Closes a subscription's socket that is dead while the server answers on the other one; the driver subscribes again.</summary>
    public void CloseDeaf(PooledConnection connection, EndPoint server)
    {
        telemetry.Found("deaf");
        states.ServerDropped(connection, server, "its subscriptions are dead in silence");
        connection.Sockets.Close(server, ConnectionType.Subscription);
    }

    public void Saw(Exception error) => availability.Saw(error);

    public void SetUp(PooledConnection connection)
    {
        if (connection.IsClosed)
            return;

        // Also where the watchdog or the driver's event has just noted it: that thread may not have come to the next line, and who
        // opened the connection takes it from here, or else fails at once because nothing is up yet.
        states.Up(connection);
        availability.Set(AnyIsUp);
    }

    /// <summary>How much longer a call shall wait for the reconnect that follows a loss, before Redis counts as known to be away.</summary>
    public TimeSpan Grace
    {
        get
        {
            var left = TimeSpan.FromTicks(Interlocked.Read(ref _graceTicks)) - time.GetElapsedTime(Interlocked.Read(ref _graceFrom));
            return left > TimeSpan.Zero ? left : TimeSpan.Zero;
        }
    }

    public void SetDown(PooledConnection connection, string cause, Exception? error, LossSeenBy by)
    {
        if (error is not null)
            availability.Saw(error);
        if (by == LossSeenBy.Closing)
            GiveGrace(options.AttemptTimeout);
        if (!states.Down(connection, cause, by))
            return;
        if (by == LossSeenBy.Watchdog)
            telemetry.Found("silent");

        // A lost connection is usually back within milliseconds. A silent one is not: there is nothing to wait for.
        if (by is LossSeenBy.Event or LossSeenBy.Call)
            GiveGrace(s_reconnect < options.AttemptTimeout ? s_reconnect : options.AttemptTimeout);
        availability.Set(AnyIsUp);
    }

    /// <summary>Closes all at once: waiting for replies would hang on a server that gives none.</summary>
    public async Task CloseAsync()
    {
        await _closing.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_opening, _growing).ConfigureAwait(false);
        await Task.WhenAll(Open.Select(connection => connection.CloseAsync())).ConfigureAwait(false);
        availability.Set(static () => false);
    }

    public void Dispose() => _closing.Dispose();

    private void GiveGrace(TimeSpan length)
    {
        Interlocked.Exchange(ref _graceFrom, time.GetTimestamp());
        Interlocked.Exchange(ref _graceTicks, length.Ticks);
    }

    private bool AnyIsUp() => _slots.Any(slot => slot is { IsUp: true });

    private void Grow()
    {
        lock (_lock)
        {
            var free = Array.IndexOf(_slots, null);
            if (free > 0 && _growing.IsCompleted && !_closing.IsCancellationRequested)
                _growing = Task.Run(() => OpenAsync(free));
        }
    }

    private async Task OpenAsync(int slot)
    {
        var began = time.GetTimestamp();
        var sockets = new SocketSet(time);
        IConnectionMultiplexer multiplexer;
        try
        {
            multiplexer = await factory.ConnectAsync(driver => Prepare(driver, slot, sockets), _closing.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_closing.IsCancellationRequested)
        {
            return;
        }
        catch (Exception error)
        {
            // The factory may be the application's own and throw anything; the watchdog tries again.
            availability.Saw(error);
            states.NotOpened(slot, began, error);
            return;
        }

        var connection = new PooledConnection(slot, multiplexer, sockets, time) { StateAt = began };
        Watch(connection);

        // Slot 0 can be shared from here on, working or not; another slot has to show first that it answers.
        if (slot == 0)
            Volatile.Write(ref _slots[0], connection);
        var answer = await probe.AskAsync(connection, _closing.Token).ConfigureAwait(false);
        if (_closing.IsCancellationRequested || (slot > 0 && answer != Answer.Yes))
        {
            await connection.CloseAsync().ConfigureAwait(false);
            return;
        }

        Volatile.Write(ref _slots[slot], connection);
        if (answer == Answer.Yes)
            SetUp(connection);
        else if (!connection.IsUp)
            states.NotOpened(slot, began, await probe.CauseAsync(connection, _closing.Token).ConfigureAwait(false));
    }

    private void Prepare(ConfigurationOptions driver, int slot, SocketSet sockets)
    {
        sockets.Attach(driver);
        if (driver.ReconnectRetryPolicy is not ReconnectPolicy policy)
            return;
        policy.IsRefused = () => availability is { IsUp: false, LastError: { } error } && RedisErrors.Classify(error) == Failure.Refused;
        policy.MayWait = () => slot > 0 && !availability.IsUp;      // the first one finds out for all
    }

    private void Watch(PooledConnection connection)
    {
        connection.Multiplexer.ConnectionFailed += (_, e) =>
        {
            if (e.Exception is { } error)
                availability.Saw(error);
            if (e.FailureType is ConnectionFailureType.UnableToConnect or ConnectionFailureType.AuthenticationFailure)
                GiveGrace(TimeSpan.Zero);       // the reconnect was tried and failed: now it is known

            // With several endpoints the loss of one is no loss of the connection while another works.
            if (e.ConnectionType == ConnectionType.Interactive && (connection.Multiplexer.GetEndPoints().Length == 1 || !connection.Multiplexer.IsConnected))
                SetDown(connection, states.Cause(e.FailureType, e.Exception), e.Exception, LossSeenBy.Event);
        };
        connection.Multiplexer.ConnectionRestored += (_, e) =>
        {
            if (e.ConnectionType == ConnectionType.Interactive && Open.Contains(connection))
                SetUp(connection);
        };
    }
}
