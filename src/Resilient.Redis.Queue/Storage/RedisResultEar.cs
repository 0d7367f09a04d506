using StackExchange.Redis;

namespace Resilient.Redis.Queue.Storage;

/// <summary>A subscription on a connection of the pool.</summary>
internal sealed class RedisResultEar : ResultEar
{
    private readonly IConnectionMultiplexer _connection;
    private readonly ISubscriber _subscriber;
    private readonly RedisChannel _channel;
    private readonly Action _missed;
    private readonly Action<RedisChannel, RedisValue> _heard;

    private RedisResultEar(IConnectionMultiplexer connection, RedisChannel channel, Action<string> ended, Action missed)
    {
        (_connection, _subscriber, _channel, _missed) = (connection, connection.GetSubscriber(), channel, missed);
        _heard = (_, id) => ended((string?)id ?? "");
    }

    /// <summary>False as soon as the pool has given its connection up, too.</summary>
    public override bool Hears => _connection.IsConnected && _subscriber.SubscribedEndpoint(_channel) is not null && _subscriber.IsConnected(_channel);

    public static async ValueTask<RedisResultEar> OpenAsync(IConnectionMultiplexer connection, RedisChannel channel, Action<string> ended, Action missed)
    {
        var ear = new RedisResultEar(connection, channel, ended, missed);
        await ear._subscriber.SubscribeAsync(channel, ear._heard).ConfigureAwait(false);
        connection.ConnectionRestored += ear.OnRestored;
        return ear;
    }

    public override async ValueTask DisposeAsync()
    {
        _connection.ConnectionRestored -= OnRestored;
        // Its own handler only: its successor may hear the same channel on the same connection, and without a handler all go.
        await _subscriber.UnsubscribeAsync(_channel, _heard, CommandFlags.FireAndForget).ConfigureAwait(false);
    }

    /// <summary>The driver subscribes again by itself; what was told in between is lost.</summary>
    private void OnRestored(object? sender, ConnectionFailedEventArgs restored) => _missed();
}
