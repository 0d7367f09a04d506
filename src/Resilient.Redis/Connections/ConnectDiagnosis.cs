using System.Net;
using System.Net.Sockets;
using System.Text;
using Resilient.Redis.Options;
using StackExchange.Redis;

namespace Resilient.Redis.Connections;

/// <summary>Names why nothing connects, by one plain TCP connection of its own: what the driver reports last is often only its own giving up.</summary>
internal static class ConnectDiagnosis
{
    private static readonly TimeSpan s_greeting = TimeSpan.FromMilliseconds(250);

    /// <summary>The cause as an exception; null where a plain connection tells nothing.</summary>
    public static async Task<Exception?> FindAsync(ResolvedRedisOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        if (options.Driver.Tunnel is not null || !string.IsNullOrEmpty(options.Driver.ServiceName) || options.Driver.EndPoints is not [DnsEndPoint or IPEndPoint, ..] endpoints)
            return null;
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(ResolvedRedisOptions.WithPort(endpoints[0]), cancellationToken).AsTask().WaitAsync(options.ConnectTimeout, time, cancellationToken).ConfigureAwait(false);
            if (options.Driver.Ssl)
                return new RedisConnectionException(ConnectionFailureType.AuthenticationFailure, CommandFlags.None, "TLS", new IOException("The TLS handshake got no answer."), CommandStatus.WaitingToBeSent);

            // A server that has too many clients says so at once, unasked, and closes.
            var buffer = new byte[256];
            var count = await socket.ReceiveAsync(buffer, SocketFlags.None, cancellationToken).AsTask().WaitAsync(s_greeting, time, cancellationToken).ConfigureAwait(false);
            var greeting = Encoding.ASCII.GetString(buffer, 0, count);
            return greeting.StartsWith("-ERR max number of clients", StringComparison.Ordinal)
                ? new RedisServerException(RedisErrorKind.MaxClients, CommandFlags.None, greeting[1..].TrimEnd())
                : null;
        }
        catch (SocketException error)
        {
            return new RedisConnectionException(ConnectionFailureType.UnableToConnect, CommandFlags.None, "connect", error, CommandStatus.WaitingToBeSent);
        }
        catch (Exception error) when (error is TimeoutException or OperationCanceledException)
        {
            return null;
        }
    }
}
