using System.Net.Sockets;
using Resilient.Redis.Options;

namespace Resilient.Redis.Connections;

/// <summary>The driver's flag alone makes the system probe first after two hours; the times make it notice within seconds.</summary>
internal static class TcpKeepAlive
{
    private const int Tcp = 6;
    private const int TcpUserTimeout = 18;
    private const int Probes = 3;

    public static void Set(Socket socket, ResolvedRedisOptions options)
    {
        if (!options.KeepAlive || socket.AddressFamily == AddressFamily.Unix)
            return;
        var seconds = (int)Math.Ceiling(options.KeepAliveInterval.TotalSeconds);
        try
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, seconds);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, 1);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, Probes);

            // Keepalive probes only idle connections: data that nobody acknowledges is retried for 15 minutes without this.
            if (OperatingSystem.IsLinux())
                socket.SetRawSocketOption(Tcp, TcpUserTimeout, BitConverter.GetBytes((seconds + Probes) * 1000));
        }
        catch (SocketException)
        {
            // A system without one of these options still connects; the watchdog notices a dead connection too.
        }
    }
}
