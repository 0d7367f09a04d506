using System.Net;
using StackExchange.Redis;

namespace Resilient.Redis.Connections;

/// <summary>One sentinel: a connection kept open, asked again and again, and listened to.</summary>
internal sealed class SentinelNode(ConfigurationOptions options, string service, Action nudge, TimeProvider time) : IAsyncDisposable
{
    private static readonly TimeSpan s_opening = TimeSpan.FromSeconds(1.5);

    private Task<IConnectionMultiplexer>? _opening;
    private Task<SentinelAnswer?> _asking = Task.FromResult<SentinelAnswer?>(null);
    private bool _isSilent;

    /// <summary>The options of a connection to one sentinel, made from those of a connection to Redis.</summary>
    public static ConfigurationOptions Options(ConfigurationOptions driver, EndPoint sentinel, TimeSpan timeout)
    {
        var options = driver.Clone();
        options.User = driver.SentinelUser;
        options.Password = driver.SentinelPassword;
        options.ServiceName = null;
        options.EndPoints.Clear();
        options.EndPoints.Add(sentinel);
        options.CommandMap = CommandMap.Sentinel;
        options.TieBreaker = "";
        options.ConfigurationChannel = "";
        options.ChannelPrefix = default;
        options.DefaultDatabase = null;
        options.AbortOnConnectFail = false;
        options.ConnectTimeout = (int)timeout.TotalMilliseconds;
        options.AsyncTimeout = options.SyncTimeout = (int)timeout.TotalMilliseconds;
        options.ReconnectRetryPolicy = new LinearRetry((int)timeout.TotalMilliseconds);
        options.BeforeSocketConnect = driver.BeforeSocketConnect;
        return options;
    }

    /// <summary>Null when no answer came within <paramref name="patience"/>; one that was silent is not waited for until it has answered again.</summary>
    /// <remarks>Never called twice at once.</remarks>
    public async Task<SentinelAnswer?> AskAsync(TimeSpan patience)
    {
        if (_asking.IsCompleted)
        {
            _isSilent = _isSilent && await _asking.ConfigureAwait(false) is null;
            _asking = AskNowAsync();
        }

        try
        {
            // Opening takes its time once; after that a sentinel answers at once or is in trouble.
            var wait = _isSilent ? TimeSpan.Zero : _opening is { IsCompleted: true } ? patience : s_opening;
            return await _asking.WaitAsync(wait, time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            _isSilent = true;
            return null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _asking.ConfigureAwait(false);
        if (_opening is { IsCompletedSuccessfully: true })
            await (await _opening.ConfigureAwait(false)).CloseAsync(allowCommandsToComplete: false).ConfigureAwait(false);
    }

    private async Task<SentinelAnswer?> AskNowAsync()
    {
        try
        {
            if (_opening is null or { IsFaulted: true })
                _opening = OpenAsync();
            var connection = await _opening.ConfigureAwait(false);
            var server = connection.GetServers()[0];
            var address = server.SentinelGetMasterAddressByNameAsync(service);
            return SentinelAnswer.Of(await address.ConfigureAwait(false), await server.SentinelMasterAsync(service).ConfigureAwait(false));
        }
        catch (RedisServerException error) when (error.Message.Contains("No such master", StringComparison.Ordinal))
        {
            return SentinelAnswer.Unknown;
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            // Away, refusing us, closed, or no sentinel at all: whatever it is, the view counts it as one that does not answer.
            return null;
        }
    }

    private async Task<IConnectionMultiplexer> OpenAsync()
    {
        var connection = await ConnectionMultiplexer.ConnectAsync(options).ConfigureAwait(false);

        // Every event of a failover comes this way, and a look at the sentinels costs nothing: there is no need to know their names.
        // A subscription survives reconnects, and one that could not be made yet is made when the sentinel is there.
        _ = connection.GetSubscriber().SubscribeAsync(
            RedisChannel.Pattern("*"),
            (_, message) =>
            {
                if (((string?)message)?.Split(' ').Contains(service) == true)
                    nudge();
            },
            CommandFlags.FireAndForget);
        return connection;
    }
}
