using StackExchange.Redis;

namespace Resilient.Redis.Queue.Testing;

/// <summary>Stands where a queue in memory has no connection: there is nothing to mend, and nothing to ask.</summary>
internal sealed class NoRedis(string name) : IResilientRedis
{
    public string Name => name;

    public TimeSpan TotalTimeout => TimeSpan.FromSeconds(10);

    public ValueTask<IConnectionMultiplexer> GetConnectionAsync(CancellationToken cancellationToken = default) => throw Nothing();

    public ValueTask<TResult> ExecuteAsync<TState, TResult>(
        Func<IDatabase, TState, Task<TResult>> command, TState state, RetrySafety safety, CancellationToken cancellationToken = default) => throw Nothing();

    public ValueTask<TimeSpan> PingAsync(CancellationToken cancellationToken = default) => throw Nothing();

    public ValueTask<int> ReplaceDeadAsync(CancellationToken cancellationToken = default) => new(0);

    public ValueTask DisposeAsync() => default;

    private static InvalidOperationException Nothing() =>
        new("This queue lives in memory (UseInMemoryJobQueues): there is no Redis behind it. Call the IJobQueue, or leave UseInMemoryJobQueues out.");
}
