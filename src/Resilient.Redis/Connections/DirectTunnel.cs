using System.Net;
using System.Net.Sockets;
using StackExchange.Redis;
using StackExchange.Redis.Configuration;

namespace Resilient.Redis.Connections;

#pragma warning disable SER009 // See DirectTransport.

/// <summary>Connects as the driver does and hands it a <see cref="DirectTransport"/>. Not for subscriptions and TLS, whose bytes the driver's own streams carry.</summary>
/// <param name="driver">What the connection is made with.</param>
/// <param name="inner">Told before each connect.</param>
/// <param name="time">The clock.</param>
internal sealed class DirectTunnel(ConfigurationOptions driver, Tunnel inner, TimeProvider time) : Tunnel
{
    public override ValueTask<EndPoint?> GetSocketConnectEndpointAsync(EndPoint endpoint, CancellationToken cancellationToken) =>
        inner.GetSocketConnectEndpointAsync(endpoint, cancellationToken);

    public override ValueTask BeforeSocketConnectAsync(EndPoint endPoint, ConnectionType connectionType, Socket? socket, CancellationToken cancellationToken) =>
        inner.BeforeSocketConnectAsync(endPoint, connectionType, socket, cancellationToken);

    public override ValueTask<Stream?> BeforeAuthenticateAsync(EndPoint endpoint, ConnectionType connectionType, Socket? socket, CancellationToken cancellationToken) =>
        inner.BeforeAuthenticateAsync(endpoint, connectionType, socket, cancellationToken);

    /// <exception cref="SocketException">It cannot be connected; the driver reports it as of a connect of its own.</exception>
    public override async ValueTask<RESPite.Transports.DuplexTransport?> ConnectTransportAsync(EndPoint endpoint, ConnectionType connectionType, TlsOptions tls, CancellationToken cancellationToken)
    {
        if (connectionType != ConnectionType.Interactive || driver.Ssl)
            return null;

        var socket = NewSocket(endpoint);
        try
        {
            driver.BeforeSocketConnect?.Invoke(endpoint, connectionType, socket);
            await inner.BeforeSocketConnectAsync(endpoint, connectionType, socket, cancellationToken).ConfigureAwait(false);
            using var limit = new CancellationTokenSource(TimeSpan.FromMilliseconds(driver.ConnectTimeout), time);
            await socket.ConnectAsync(endpoint, limit.Token).ConfigureAwait(false);
            return new DirectTransport(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public override string ToString() => inner.ToString() ?? "";

    private Socket NewSocket(EndPoint endpoint)
    {
        if (endpoint.AddressFamily == AddressFamily.Unix)
            return new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        var socket = endpoint.AddressFamily == AddressFamily.Unspecified // a name: of either family
            ? new Socket(SocketType.Stream, ProtocolType.Tcp)
            : new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        socket.NoDelay = true;
        if (driver.TcpKeepAlive)
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        return socket;
    }
}
