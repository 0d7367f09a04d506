using StackExchange.Redis;

namespace Resilient.Redis;

/// <summary>Shorter forms of <see cref="IResilientRedis.ExecuteAsync{TState, TResult}"/>.</summary>
public static class ResilientRedisExtensions
{
    /// <summary>Runs one command that needs no state handed to it.</summary>
    /// <inheritdoc cref="IResilientRedis.ExecuteAsync{TState, TResult}"/>
    public static ValueTask<TResult> ExecuteAsync<TResult>(
        this IResilientRedis redis,
        Func<IDatabase, Task<TResult>> command,
        RetrySafety safety,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(redis);
        ArgumentNullException.ThrowIfNull(command);
        return redis.ExecuteAsync(static (database, command) => command(database), command, safety, cancellationToken);
    }

    /// <summary>Runs one command that gives no result, such as those that return a plain <see cref="Task"/>.</summary>
    /// <inheritdoc cref="IResilientRedis.ExecuteAsync{TState, TResult}"/>
    public static async ValueTask ExecuteAsync(
        this IResilientRedis redis,
        Func<IDatabase, Task> command,
        RetrySafety safety,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(redis);
        ArgumentNullException.ThrowIfNull(command);
        await redis.ExecuteAsync(RunAsync, command, safety, cancellationToken).ConfigureAwait(false);

        static async Task<bool> RunAsync(IDatabase database, Func<IDatabase, Task> command)
        {
            await command(database).ConfigureAwait(false);
            return true;
        }
    }
}
