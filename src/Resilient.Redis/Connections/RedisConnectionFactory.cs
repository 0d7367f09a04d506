using Resilient.Redis.Options;
using StackExchange.Redis;

namespace Resilient.Redis.Connections;

/// <summary>The effective options, a clone for each connection.</summary>
/// <param name="options">The effective options.</param>
/// <param name="hooks">What the application adds with ConfigureConnection.</param>
/// <param name="time">The clock.</param>
internal sealed class RedisConnectionFactory(ResolvedRedisOptions options, RedisHooks hooks, TimeProvider time) : IRedisConnectionFactory
{
    /// <summary>A connection has two sockets; the queue has connections of its own beside the pool.</summary>
    private readonly ConnectPace _pace = new((2 * options.PoolSize) + 8, time);

    public async Task<IConnectionMultiplexer> ConnectAsync(Action<ConfigurationOptions>? adjust = null, CancellationToken cancellationToken = default)
    {
        var driver = options.Driver.Clone();
        driver.BeforeSocketConnect = (_, _, socket) => TcpKeepAlive.Set(socket, options);
        var sockets = new SocketSet(time);
        var policy = new ReconnectPolicy(sockets, options.ConnectTimeout);
        driver.ReconnectRetryPolicy = policy;
        foreach (var configure in hooks.Connection)
            configure(driver);
        adjust?.Invoke(driver);
        sockets.Attach(driver);
        _pace.Attach(driver);

        cancellationToken.ThrowIfCancellationRequested();
        var connecting = ConnectionMultiplexer.ConnectAsync(driver);
        try
        {
            var connection = await connecting.WaitAsync(cancellationToken).ConfigureAwait(false);
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

    private static async Task CloseAsync(Task<ConnectionMultiplexer> late)
    {
        var connection = await late.ConfigureAwait(false);
        await connection.CloseAsync(allowCommandsToComplete: false).ConfigureAwait(false);
    }
}
