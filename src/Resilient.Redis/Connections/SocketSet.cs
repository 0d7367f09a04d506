using System.Buffers.Binary;
using System.Net.Sockets;
using StackExchange.Redis;

namespace Resilient.Redis.Connections;

/// <summary>The sockets of one multiplexer: closing them is the one way to make the driver give up a connection that is dead in silence.</summary>
/// <remarks>The driver then fails what is in flight at once and reconnects; it has no call of its own for that.</remarks>
internal sealed class SocketSet
{
    private const int Tcp = 6;
    private const int TcpInfo = 11;
    private const int LastDataReceivedOffset = 52;

    private readonly Lock _lock = new();
    private readonly List<WeakReference<Socket>> _sockets = [];

    /// <summary>Sees every socket that the driver opens under these options, also on a reconnect.</summary>
    public void Attach(ConfigurationOptions options)
    {
        var before = options.BeforeSocketConnect;
        options.BeforeSocketConnect = (endpoint, type, socket) =>
        {
            Add(socket);
            before?.Invoke(endpoint, type, socket);
        };
    }

    public void Close()
    {
        foreach (var socket in Open())
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

    /// <summary>Whether any bytes came within the time: half of a large reply is a sign of life too. Only Linux tells; elsewhere false.</summary>
    public bool ReceivedWithin(TimeSpan time)
    {
        if (!OperatingSystem.IsLinux())
            return false;
        Span<byte> info = stackalloc byte[104];
        foreach (var socket in Open())
        {
            try
            {
                if (socket.Connected && socket.GetRawSocketOption(Tcp, TcpInfo, info) >= LastDataReceivedOffset + sizeof(uint)
                    && BinaryPrimitives.ReadUInt32LittleEndian(info[LastDataReceivedOffset..]) < time.TotalMilliseconds)
                    return true;
            }
            catch (Exception error) when (error is SocketException or ObjectDisposedException)
            {
                // Closed in between.
            }
        }

        return false;
    }

    private void Add(Socket socket)
    {
        lock (_lock)
        {
            _sockets.RemoveAll(reference => !reference.TryGetTarget(out var old) || old.SafeHandle.IsClosed);
            _sockets.Add(new(socket));
        }
    }

    private List<Socket> Open()
    {
        lock (_lock)
            return [.. _sockets.Select(reference => reference.TryGetTarget(out var socket) ? socket : null).OfType<Socket>()];
    }
}
