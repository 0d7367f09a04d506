using System.Net;
using System.Net.Sockets;
using StackExchange.Redis;

namespace Resilient.Redis.Connections;

/// <summary>The sockets of one multiplexer: closing them is the one way to make the driver give up a connection that is dead in silence.</summary>
/// <remarks>The driver then fails what is in flight at once and reconnects; it has no call of its own for that.</remarks>
internal sealed class SocketSet(TimeProvider time)
{
    /// <summary>Between the driver's note of when a connect began and ours.</summary>
    private static readonly TimeSpan s_tolerance = TimeSpan.FromMilliseconds(20);

    private readonly Lock _lock = new();
    private readonly List<Entry> _entries = [];

    /// <summary>Sees every socket that the driver opens under these options, also on a reconnect.</summary>
    public void Attach(ConfigurationOptions options)
    {
        var before = options.BeforeSocketConnect;
        options.BeforeSocketConnect = (endpoint, type, socket) =>
        {
            Add(new(endpoint, type, new(socket), time.GetTimestamp()));
            before?.Invoke(endpoint, type, socket);
        };
    }

    /// <param name="endpoint">Only those to this server; all by default.</param>
    /// <param name="type">Only those of this duty; all by default.</param>
    public void Close(EndPoint? endpoint = null, ConnectionType? type = null)
    {
        foreach (var socket in Open(endpoint, type))
        {
            try
            {
                // Shutdown wakes a thread that is blocked in a read, which Dispose alone does not on every system.
                socket.Shutdown(SocketShutdown.Both);
            }
            catch (Exception error) when (error is SocketException or ObjectDisposedException)
            {
                // Not connected yet, or gone already: either way it is to be closed.
            }

            socket.Dispose();
        }
    }

    /// <summary>What the system knows of these sockets, added up.</summary>
    public SocketTraffic Traffic(EndPoint? endpoint = null, ConnectionType? type = null)
    {
        var sum = SocketTraffic.None;
        foreach (var socket in Open(endpoint, type))
            sum = sum.And(SocketTraffic.Of(socket));
        return sum;
    }

    /// <summary>Whether a connect that began so long ago is still under way: its socket is open, and the driver has not said that it serves.</summary>
    public bool IsConnecting(TimeSpan since)
    {
        lock (_lock)
            return _entries.Exists(entry => !entry.IsEstablished && time.GetElapsedTime(entry.OpenedAt) <= since + s_tolerance && entry.Socket.TryGetTarget(out var socket) && !socket.SafeHandle.IsClosed);
    }

    /// <summary>The driver says that these serve.</summary>
    public void Established(EndPoint? endpoint = null, ConnectionType? type = null)
    {
        lock (_lock)
        {
            foreach (var entry in _entries)
                entry.IsEstablished |= (endpoint is null || endpoint.Equals(entry.Endpoint)) && (type is null || type == entry.Type);
        }
    }

    private void Add(Entry entry)
    {
        lock (_lock)
        {
            _entries.RemoveAll(static old => !old.Socket.TryGetTarget(out var socket) || socket.SafeHandle.IsClosed);
            _entries.Add(entry);
        }
    }

    private List<Socket> Open(EndPoint? endpoint, ConnectionType? type)
    {
        var open = new List<Socket>(2);
        lock (_lock)
        {
            foreach (var entry in _entries)
            {
                if ((endpoint is null || endpoint.Equals(entry.Endpoint)) && (type is null || type == entry.Type) && entry.Socket.TryGetTarget(out var socket))
                    open.Add(socket);
            }
        }

        return open;
    }

    private sealed record Entry(EndPoint Endpoint, ConnectionType Type, WeakReference<Socket> Socket, long OpenedAt)
    {
        public bool IsEstablished { get; set; }
    }
}
