using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace Resilient.Redis;

/// <summary>The connection pool, with <see cref="Create"/> for programs without a container.</summary>
public sealed class ResilientRedis : IResilientRedis
{
    internal ResilientRedis() { }

    /// <summary>Makes a pool for a program without a container. Nothing connects before the first use.</summary>
    /// <param name="options">The options; environment variables fill what they leave open.</param>
    /// <param name="logging">Where connects, losses and recoveries are logged; nowhere by default.</param>
    /// <param name="time">The clock; the system's by default.</param>
    public static ResilientRedis Create(ResilientRedisOptions options, ILoggerFactory? logging = null, TimeProvider? time = null) =>
        throw new NotImplementedException();

    /// <inheritdoc/>
    public string Name => throw new NotImplementedException();

    /// <inheritdoc/>
    public TimeSpan TotalTimeout => throw new NotImplementedException();

    /// <inheritdoc/>
    public ValueTask<IConnectionMultiplexer> GetConnectionAsync(CancellationToken cancellationToken = default) => throw new NotImplementedException();

    /// <inheritdoc/>
    public ValueTask<TResult> ExecuteAsync<TState, TResult>(Func<IDatabase, TState, Task<TResult>> command, TState state, RetrySafety safety, CancellationToken cancellationToken = default) =>
        throw new NotImplementedException();

    /// <inheritdoc/>
    public ValueTask<TimeSpan> PingAsync(CancellationToken cancellationToken = default) => throw new NotImplementedException();

    /// <inheritdoc/>
    public ValueTask<int> ReplaceDeadAsync(CancellationToken cancellationToken = default) => throw new NotImplementedException();

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => throw new NotImplementedException();
}
