using StackExchange.Redis;

namespace Resilient.Redis.Queue.Storage;

/// <summary>A connection of the worker's own: nothing large is ever in its way.</summary>
internal sealed class RedisWorkerLine(RedisJobStore store, IConnectionMultiplexer connection) : WorkerLine
{
    private readonly IDatabase _database = connection.GetDatabase();

    public override ExtendReply Extend(string session, Extension[] extensions) => store.Extend(_database, session, extensions);

    /// <summary>Nothing here waits for Redis: a subscription that is not there yet costs no more than one idle poll.</summary>
    public override Task HearAsync(string session, Action<string> heard) =>
        connection.GetSubscriber().SubscribeAsync(store.Keys.Wake(session), (_, bell) => heard((string?)bell ?? ""), CommandFlags.FireAndForget);

    public override Task<ServerSettings> ReadSettingsAsync(CancellationToken cancellationToken) =>
        new ServerSettingsReader(_database, store.Keys.Root).ReadAsync(cancellationToken);

    /// <summary>Without waiting for replies, which a frozen Redis would not give; the keeper's call under way fails at once.</summary>
    public override async ValueTask DisposeAsync() => await connection.CloseAsync(allowCommandsToComplete: false).ConfigureAwait(false);
}
