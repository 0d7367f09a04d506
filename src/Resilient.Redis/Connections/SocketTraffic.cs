using System.Buffers.Binary;
using System.Net.Sockets;

namespace Resilient.Redis.Connections;

/// <summary>What the system knows of a socket: half of a large reply is a sign of life too, and unread bytes show that it is we who are slow.</summary>
/// <param name="Received">Bytes that came in since it was opened; zero where the system does not tell.</param>
/// <param name="Unread">Bytes that are here and that nobody has read.</param>
/// <param name="Unacknowledged">Segments that the other side's system has not confirmed.</param>
/// <param name="Quiet">The time since the last byte came; null where the system does not tell.</param>
/// <remarks>Only Linux tells more than the unread bytes (TCP_INFO).</remarks>
internal readonly record struct SocketTraffic(long Received, long Unread, long Unacknowledged, TimeSpan? Quiet)
{
    private const int Tcp = 6;
    private const int TcpInfo = 11;
    private const int UnacknowledgedOffset = 24;
    private const int QuietOffset = 52;
    private const int ReceivedOffset = 128;
    private const int Length = 136;

    public static SocketTraffic None => default;

    public static SocketTraffic Of(Socket socket)
    {
        try
        {
            if (!socket.Connected)
                return None;
            Span<byte> info = stackalloc byte[Length];
            return OperatingSystem.IsLinux() && socket.GetRawSocketOption(Tcp, TcpInfo, info) == Length
                ? new SocketTraffic(
                    (long)BinaryPrimitives.ReadUInt64LittleEndian(info[ReceivedOffset..]),
                    socket.Available,
                    BinaryPrimitives.ReadUInt32LittleEndian(info[UnacknowledgedOffset..]),
                    TimeSpan.FromMilliseconds(BinaryPrimitives.ReadUInt32LittleEndian(info[QuietOffset..])))
                : new SocketTraffic(0, socket.Available, 0, null);
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            return None;        // closed in between
        }
    }

    public SocketTraffic And(SocketTraffic other) => new(
        Received + other.Received,
        Unread + other.Unread,
        Unacknowledged + other.Unacknowledged,
        Quiet is null || other.Quiet < Quiet ? other.Quiet ?? Quiet : Quiet);
}
