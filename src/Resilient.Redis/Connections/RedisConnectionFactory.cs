using Resilient.Redis.Options;
using StackExchange.Redis;

namespace Resilient.Redis.Connections;

/// <summary>The effective options, a clone for each connection.</summary>
/// <param name="options">The effective options.</param>
/// <param name="hooks">What the application adds with ConfigureConnection.</param>
internal sealed class RedisConnectionFactory(ResolvedRedisOptions options, RedisHooks hooks) : IRedisConnectionFactory
{
    public async Task<IConnectionMultiplexer> ConnectAsync(Action<ConfigurationOptions>? adjust = null, CancellationToken cancellationToken = default)
    {
        var driver = options.Driver.Clone();
        driver.BeforeSocketConnect = (_, _, socket) => TcpKeepAlive.Set(socket, options);
        foreach (var configure in hooks.Connection)
            configure(driver);
        adjust?.Invoke(driver);

        cancellationToken.ThrowIfCancellationRequested();
        var connecting = ConnectionMultiplexer.ConnectAsync(driver);
        try
        {
            return await connecting.WaitAsync(cancellationToken).ConfigureAwait(false);
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
