using System.Net;
using System.Net.Sockets;

namespace Resilient.Redis.TestKit;

public static class Ports
{
    /// <summary>A loopback port that nobody listens on at this moment.</summary>
    public static int Free()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
