using System.Net;
using System.Net.Sockets;
using StackExchange.Redis;
using StackExchange.Redis.Configuration;

namespace Resilient.Redis.Connections;

/// <summary>Bounds how many sockets a second are opened to one Redis, whatever breaks them: a whole pool may come back at once, a storm may not go on.</summary>
/// <param name="burst">How many may be opened without a pause.</param>
/// <param name="time">The clock.</param>
internal sealed class ConnectPace(int burst, TimeProvider time)
{
    /// <summary>Once the burst is used up.</summary>
    private const double PerSecond = 10;

    /// <summary>Five seconds' worth: who waits longer is given up by the driver anyway.</summary>
    private const double MostDebt = 5 * PerSecond;

    private readonly Lock _lock = new();
    private double _left = burst;
    private long _at = time.GetTimestamp();

    /// <summary>Takes a turn and waits for it, with jitter: a thousand processes that lost the same server must not come back in step.</summary>
    public ValueTask WaitAsync()
    {
        double owed;
        lock (_lock)
        {
            _left = Math.Min(burst, _left + (time.GetElapsedTime(_at).TotalSeconds * PerSecond));
            _at = time.GetTimestamp();
            _left = Math.Max(_left - 1, -MostDebt);
            owed = -_left;
        }

#pragma warning disable CA5394 // Jitter is no secret.
        return owed <= 0 ? ValueTask.CompletedTask : new(Task.Delay(TimeSpan.FromSeconds(owed / PerSecond * (1 + (Random.Shared.NextDouble() / 2))), time, CancellationToken.None));
#pragma warning restore CA5394
    }

    /// <summary>Makes every connect under these options wait for its turn. A tunnel is the one place where the driver lets a connect wait.</summary>
    public void Attach(ConfigurationOptions options) => options.Tunnel = new Paced(this, options.Tunnel);

    private sealed class Paced(ConnectPace pace, Tunnel? inner) : Tunnel
    {
        public override ValueTask<EndPoint?> GetSocketConnectEndpointAsync(EndPoint endpoint, CancellationToken cancellationToken) =>
            inner?.GetSocketConnectEndpointAsync(endpoint, cancellationToken) ?? base.GetSocketConnectEndpointAsync(endpoint, cancellationToken);

        public override async ValueTask BeforeSocketConnectAsync(EndPoint endPoint, ConnectionType connectionType, Socket? socket, CancellationToken cancellationToken)
        {
            if (inner is not null)
                await inner.BeforeSocketConnectAsync(endPoint, connectionType, socket, cancellationToken).ConfigureAwait(false);
            await pace.WaitAsync().ConfigureAwait(false);
        }

        public override ValueTask<Stream?> BeforeAuthenticateAsync(EndPoint endpoint, ConnectionType connectionType, Socket? socket, CancellationToken cancellationToken) =>
            inner?.BeforeAuthenticateAsync(endpoint, connectionType, socket, cancellationToken) ?? base.BeforeAuthenticateAsync(endpoint, connectionType, socket, cancellationToken);

#pragma warning disable SER009 // The experimental hook must reach the application's own tunnel.
        public override ValueTask<RESPite.Transports.DuplexTransport?> ConnectTransportAsync(EndPoint endpoint, ConnectionType connectionType, TlsOptions tls, CancellationToken cancellationToken) =>
            inner?.ConnectTransportAsync(endpoint, connectionType, tls, cancellationToken) ?? base.ConnectTransportAsync(endpoint, connectionType, tls, cancellationToken);
#pragma warning restore SER009

        public override string ToString() => inner?.ToString() ?? "";
    }
}
