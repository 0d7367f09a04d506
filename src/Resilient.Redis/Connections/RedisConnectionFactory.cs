using Microsoft.Extensions.Logging;
using Resilient.Redis.Options;
using StackExchange.Redis;

namespace Resilient.Redis.Connections;

/// <summary>The effective options, a clone for each connection.</summary>
/// <param name="options">The effective options.</param>
/// <param name="hooks">What the application adds with ConfigureConnection.</param>
/// <param name="logger">Takes a line when the sentinels name another primary.</param>
/// <param name="time">The clock.</param>
internal sealed class RedisConnectionFactory(ResolvedRedisOptions options, RedisHooks hooks, ILogger logger, TimeProvider time) : IRedisConnectionFactory, IDisposable, IAsyncDisposable
{
    /// <summary>A connection has two sockets; the queue has connections of its own beside the pool.</summary>
    private readonly ConnectPace _pace = new((2 * options.PoolSize) + 8, time);

    private readonly Lock _lock = new();
    private SentinelPrimary? _sentinel;
    private Task? _closing;

    /// <summary>Why the sentinels let nothing connect; null when they do, or there are none.</summary>
    public string? SentinelProblem => Volatile.Read(ref _sentinel)?.Problem;

    public async Task<IConnectionMultiplexer> ConnectAsync(Action<ConfigurationOptions>? adjust = null, CancellationToken cancellationToken = default)
    {
        var driver = options.Driver.Clone();
        driver.BeforeSocketConnect = (_, _, socket) => TcpKeepAlive.Set(socket, options);
        var sockets = new SocketSet(time);
        var policy = new ReconnectPolicy(sockets, options.ConnectTimeout);
        driver.ReconnectRetryPolicy = policy;
        foreach (var configure in hooks.Connection)
            configure(driver);
        var sentinel = string.IsNullOrEmpty(driver.ServiceName) ? null : Sentinel(driver);
        adjust?.Invoke(driver);
        if (sentinel is not null)
        {
            sentinel.Guide(driver);

            // Else the driver would try to connect before the first answer, and give up.
            await sentinel.LookAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
        }

        sockets.Attach(driver);
        var isDirect = driver.Tunnel is null && DedicatedThreads.IsOn;
        _pace.Attach(driver);
        if (isDirect)
            driver.Tunnel = new DirectTunnel(driver, driver.Tunnel!, time);

        cancellationToken.ThrowIfCancellationRequested();
        var connecting = ConnectionMultiplexer.ConnectAsync(driver);
        try
        {
            var connection = await connecting.WaitAsync(cancellationToken).ConfigureAwait(false);
            sentinel?.Watch(connection);
            connection.ConnectionRestored += (_, restored) => sockets.Established(restored.EndPoint, restored.ConnectionType);
            if (connection.IsConnected)
                sockets.Established();
            policy.IsOpening = false;
            return connection;
        }
        catch (OperationCanceledException) when (!connecting.IsCompleted)
        {
            // The driver goes on connecting: whoever gave up must not leave an open connection behind.
            _ = connecting.ContinueWith(
                static late => late.Status == TaskStatus.RanToCompletion ? CloseAsync(late) : Task.CompletedTask,
                CancellationToken.None,
                TaskContinuationOptions.ExecuteSynchronously,
                TaskScheduler.Default);
            throw;
        }
    }

    /// <summary>Stops looking at the sentinels; the connections that were made stay with whoever asked for them.</summary>
    public ValueTask DisposeAsync()
    {
        lock (_lock)
            return new(_closing ??= _sentinel?.DisposeAsync().AsTask() ?? Task.CompletedTask);
    }

    /// <summary>For a container that is disposed in the old way: nothing of it is waited for.</summary>
    public void Dispose() => _ = DisposeAsync().AsTask();

    /// <summary>One for all connections of this factory: they follow the same primary.</summary>
    private SentinelPrimary Sentinel(ConfigurationOptions driver)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_closing is not null, this);
            return _sentinel ??= new SentinelPrimary(options, driver, logger, time);
        }
    }

    private static async Task CloseAsync(Task<ConnectionMultiplexer> late)
    {
        var connection = await late.ConfigureAwait(false);
        await connection.CloseAsync(allowCommandsToComplete: false).ConfigureAwait(false);
    }
}
