using System.Net;
using System.Net.Sockets;
using StackExchange.Redis;
using StackExchange.Redis.Configuration;

namespace Resilient.Redis.Connections;

/// <summary>Leads each socket of a multiplexer to the present primary, so that one multiplexer, with its subscriptions, lives through any failover.</summary>
internal sealed class SentinelTunnel(SentinelPrimary primary) : Tunnel
{
    /// <summary>Null, which is "no socket", when there is no primary: an exception here would be swallowed by the driver, one of the next step is reported.</summary>
    public override async ValueTask<EndPoint?> GetSocketConnectEndpointAsync(EndPoint endpoint, CancellationToken cancellationToken) =>
        await primary.WhereAsync().ConfigureAwait(false);

    /// <summary>The last look before the login: while the socket connected, the sentinels may have moved on.</summary>
    public override ValueTask<Stream?> BeforeAuthenticateAsync(EndPoint endpoint, ConnectionType connectionType, Socket? socket, CancellationToken cancellationToken) =>
        socket is not null && primary.IsAt(socket.RemoteEndPoint)
            ? default
            : throw new NoPrimaryException(primary.Problem ?? "the primary changed while connecting");
}
