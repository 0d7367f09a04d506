using StackExchange.Redis;

namespace Resilient.Redis.TestKit;

/// <summary>The seam without resilience: one connection, one attempt, the driver's own exceptions. For tests of scripts.</summary>
/// <param name="connection">The connection.</param>
/// <param name="losesReplies">Whether the first reply of what may be repeated is lost each time, so that its command runs twice.</param>
public sealed class RawRedis(IConnectionMultiplexer connection, bool losesReplies = false) : IResilientRedis
{
    public string Name => "";

    public TimeSpan TotalTimeout => TimeSpan.FromSeconds(10);

    public ValueTask<IConnectionMultiplexer> GetConnectionAsync(CancellationToken cancellationToken = default) => new(connection);

    public async ValueTask<TResult> ExecuteAsync<TState, TResult>(
        Func<IDatabase, TState, Task<TResult>> command, TState state, RetrySafety safety, CancellationToken cancellationToken = default)
    {
        if (losesReplies && safety == RetrySafety.Idempotent)
            await command(connection.GetDatabase(), state);
        return await command(connection.GetDatabase(), state).WaitAsync(cancellationToken);
    }

    public async ValueTask<TimeSpan> PingAsync(CancellationToken cancellationToken = default) => await connection.GetDatabase().PingAsync();

    public ValueTask<int> ReplaceDeadAsync(CancellationToken cancellationToken = default) => new(0);

    public ValueTask DisposeAsync() => default;
}
