using StackExchange.Redis;

namespace Resilient.Redis;

/// <summary>A pool of Redis connections that repairs itself: inject it, or make one with <see cref="ResilientRedis.Create"/>.</summary>
/// <remarks>Safe for concurrent use. Disposing it closes its connections; the container does so for the one that it made.</remarks>
public interface IResilientRedis : IAsyncDisposable
{
    /// <summary>The name it was registered under; empty for the default connection.</summary>
    string Name { get; }

    /// <summary>The longest time that one <see cref="ExecuteAsync"/> may take, all attempts and pauses included.</summary>
    TimeSpan TotalTimeout { get; }

    /// <summary>Gives the least busy open connection, opening the first one when there is none.</summary>
    /// <remarks>Do not dispose it: the pool owns it. Ask anew for each use, since the pool replaces dead connections.</remarks>
    /// <exception cref="RedisUnavailableException">No connection could be had in time.</exception>
    /// <exception cref="RedisRefusedException">Redis refused the connection, for example for a wrong password.</exception>
    ValueTask<IConnectionMultiplexer> GetConnectionAsync(CancellationToken cancellationToken = default);

    /// <summary>Runs one command and retries it where <paramref name="safety"/> allows, within <see cref="TotalTimeout"/>.</summary>
    /// <param name="command">The command. It gets the database and <paramref name="state"/>, and may run more than once.</param>
    /// <param name="state">Handed to <paramref name="command"/>, so that a static lambda serves.</param>
    /// <param name="safety">What is known about running the command twice.</param>
    /// <param name="cancellationToken">Stops waiting; a command that was sent may still run.</param>
    /// <exception cref="RedisUnavailableException">Redis could not be reached, or did not answer in time.</exception>
    /// <exception cref="RedisRefusedException">Redis answered with an error that a retry does not mend.</exception>
    ValueTask<TResult> ExecuteAsync<TState, TResult>(
        Func<IDatabase, TState, Task<TResult>> command,
        TState state,
        RetrySafety safety,
        CancellationToken cancellationToken = default);

    /// <summary>Sends one PING and gives its round trip; takes at most <see cref="ResilientRedisOptions.AttemptTimeout"/>.</summary>
    /// <exception cref="RedisUnavailableException">No answer in time.</exception>
    /// <exception cref="RedisRefusedException">Redis answered the PING with an error, for example NOAUTH.</exception>
    ValueTask<TimeSpan> PingAsync(CancellationToken cancellationToken = default);

    /// <summary>Pings each open connection and drops those that give no answer, so that the next use opens new ones.</summary>
    /// <remarks>An error reply such as LOADING is an answer. Takes at most <see cref="ResilientRedisOptions.AttemptTimeout"/>; never throws for a dead connection.</remarks>
    /// <returns>How many were dropped.</returns>
    ValueTask<int> ReplaceDeadAsync(CancellationToken cancellationToken = default);
}
