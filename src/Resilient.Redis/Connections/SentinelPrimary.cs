using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using Resilient.Redis.Diagnostics;
using Resilient.Redis.Options;
using StackExchange.Redis;

namespace Resilient.Redis.Connections;

/// <summary>Knows where the primary of a service is, as a majority of its sentinels says, and closes every connection that leads elsewhere.</summary>
/// <remarks>
/// The driver's own following of sentinels loses writes: it goes back to a stale primary that has restarted, until the sentinels demote that.
/// Here the driver sees one endpoint; where its sockets go is decided for each of them, and an open one is closed as soon as the primary is in doubt.
/// </remarks>
internal sealed class SentinelPrimary : IAsyncDisposable
{
    private static readonly TimeSpan s_poll = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_hurry = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_patience = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(1);

    private readonly ResolvedRedisOptions _options;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly string _service;
    private readonly List<string> _names;
    private readonly List<SentinelNode> _nodes;
    private readonly SocketSet _sockets;
    private readonly List<WeakReference<IConnectionMultiplexer>> _multiplexers = [];
    private readonly SemaphoreSlim _nudged = new(0, 1);
    private readonly CancellationTokenSource _closing = new();
    private readonly Lock _lock = new();
    private readonly Task _watching;
    private Task _looking = Task.CompletedTask;
    private volatile SentinelView _view = SentinelView.Nothing;
    private DnsEndPoint? _last;

    /// <param name="options">The effective options.</param>
    /// <param name="driver">The driver's options with the service name, and the sentinels as endpoints.</param>
    /// <param name="logger">Takes one line for each switch.</param>
    /// <param name="time">The clock.</param>
    public SentinelPrimary(ResolvedRedisOptions options, ConfigurationOptions driver, ILogger logger, TimeProvider time)
    {
        (_options, _logger, _time, _service, _sockets) = (options, logger, time, driver.ServiceName!, new SocketSet(time));
        _names = [.. driver.EndPoints.Select(endpoint => ResolvedRedisOptions.Text(endpoint, ResolvedRedisOptions.SentinelPort))];
        _nodes = [.. driver.EndPoints.Select(endpoint => new SentinelNode(
            SentinelNode.Options(driver, ResolvedRedisOptions.WithPort(endpoint, ResolvedRedisOptions.SentinelPort), s_timeout), _service, Nudge, time))];
        _watching = Task.Run(WatchAsync);
    }

    /// <summary>Why nothing may connect; null when something may.</summary>
    public string? Problem => _view.Problem;

    /// <summary>Makes the driver see one endpoint, and leads its sockets. Its own knowledge of sentinels is taken from it.</summary>
    public void Guide(ConfigurationOptions driver)
    {
        if (driver.Tunnel is not null)
            throw new NotSupportedException("With sentinels there can be no tunnel of the application's own: sentinels name servers by addresses that are reached directly.");
        driver.ServiceName = null;
        driver.EndPoints.Clear();
        driver.EndPoints.Add(new DnsEndPoint(_service, 0));
        driver.ResolveDns = false;
        driver.Tunnel = new SentinelTunnel(this);
        _sockets.Attach(driver);
        if (!driver.Ssl || driver.SslHost is { Length: > 0 })
            return;

        // A certificate is that of the server, not of the service.
        var custom = driver.SslClientAuthenticationOptions;
        driver.SslClientAuthenticationOptions = _ =>
        {
            var host = _view.Primary?.Host ?? _service;
            return custom is not null ? custom(host) : new()
            {
                TargetHost = host,
                EnabledSslProtocols = driver.SslProtocols ?? default,
                CertificateRevocationCheckMode = driver.CheckCertificateRevocation ? X509RevocationMode.Online : X509RevocationMode.NoCheck,
            };
        };
    }

    /// <summary>Looks after a multiplexer that <see cref="Guide"/> has prepared.</summary>
    public void Watch(IConnectionMultiplexer multiplexer)
    {
        multiplexer.ConnectionFailed += (_, _) => Nudge();
        multiplexer.ErrorMessage += (_, e) =>
        {
            if (e.Message.StartsWith("READONLY", StringComparison.Ordinal))
                Nudge();
        };
        lock (_lock)
        {
            _multiplexers.RemoveAll(reference => !reference.TryGetTarget(out _));
            _multiplexers.Add(new(multiplexer));
        }
    }

    /// <summary>Asks the sentinels, and tells where a new socket has to go; null when nowhere.</summary>
    public async ValueTask<EndPoint?> WhereAsync()
    {
        await LookAsync().ConfigureAwait(false);
        return _view is { Primary: { } primary, Addresses: [var address, ..] } ? new IPEndPoint(address, primary.Port) : null;
    }

    /// <summary>Whether a socket that has connected there leads to the primary of this moment.</summary>
    public bool IsAt(EndPoint? remote) =>
        remote is IPEndPoint ip && _view is { Primary: { } primary } view && primary.Port == ip.Port
        && view.Addresses.Contains(ip.Address.IsIPv4MappedToIPv6 ? ip.Address.MapToIPv4() : ip.Address);

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync().ConfigureAwait(false);
        await _watching.ConfigureAwait(false);
        await LookAsync().ConfigureAwait(false);
        await Task.WhenAll(_nodes.Select(node => node.DisposeAsync().AsTask())).ConfigureAwait(false);
        _closing.Dispose();
        _nudged.Dispose();
    }

    /// <summary>Asks all sentinels once; whoever comes while a round is under way shares it.</summary>
    public Task LookAsync()
    {
        lock (_lock)
        {
            if (_looking.IsCompleted && !_closing.IsCancellationRequested)
                _looking = Task.Run(AskAllAsync);
            return _looking;
        }
    }

    private void Nudge()
    {
        try
        {
            if (_nudged.CurrentCount == 0)
                _nudged.Release();
        }
        catch (Exception error) when (error is SemaphoreFullException or ObjectDisposedException)
        {
            // Two nudges at once are one; and one after the end is none.
        }
    }

    private async Task WatchAsync()
    {
        var pause = s_hurry;
        try
        {
            while (true)
            {
                await LookAsync().ConfigureAwait(false);
                pause = _view.Primary is not null ? s_poll : pause * 2 < s_poll ? pause * 2 : s_poll;
                if (await _nudged.WaitAsync(pause, _closing.Token).ConfigureAwait(false))
                    pause = s_hurry;
            }
        }
        catch (OperationCanceledException) when (_closing.IsCancellationRequested)
        {
            // Disposed.
        }
    }

    private async Task AskAllAsync()
    {
        var answers = await Task.WhenAll(_nodes.Select(node => node.AskAsync(s_patience))).ConfigureAwait(false);
        var view = await ResolveAsync(SentinelView.Of(_service, _names, answers)).ConfigureAwait(false);

        // First the view, then the sockets: one that connects meanwhile looks at the view before it is used.
        var before = _view;
        var switched = view.Primary is not null && !view.Primary.Equals(_last);
        _view = view;
        if (switched || view.MustLeave || AnyFoundReplica())
            _sockets.Close();

        if (switched && _last is not null)
            Log.PrimarySwitched(_logger, _options.Title, _service, SentinelView.Text(view.Primary!), SentinelView.Text(_last));
        else if (view.MustLeave && !before.MustLeave)
            Log.PrimaryLeft(_logger, _options.Title, view.Problem!);
        _last = view.Primary ?? _last;
    }

    private async Task<SentinelView> ResolveAsync(SentinelView view)
    {
        if (view.Primary is not { } primary)
            return view;
        try
        {
            return view with { Addresses = IPAddress.TryParse(primary.Host, out var ip) ? [ip] : await Dns.GetHostAddressesAsync(primary.Host).WaitAsync(s_timeout, _time).ConfigureAwait(false) };
        }
        catch (Exception error) when (error is SocketException or TimeoutException)
        {
            return new(null, $"the sentinels name {SentinelView.Text(primary)} as the primary of '{_service}', and DNS does not know that host", false);
        }
    }

    /// <summary>The driver asks each server for its role when it connects: one that says replica was demoted in between, or is not yet what the sentinels say.</summary>
    private bool AnyFoundReplica()
    {
        List<WeakReference<IConnectionMultiplexer>> all;
        lock (_lock)
            all = [.. _multiplexers];
        return all.Any(reference => reference.TryGetTarget(out var multiplexer) && multiplexer.IsConnected && multiplexer.GetServers().Any(server => server.IsConnected && server.IsReplica));
    }
}
