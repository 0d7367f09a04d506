using System.Collections.Concurrent;
using System.Diagnostics;
using StackExchange.Redis;

namespace Resilient.Redis.TestKit;

/// <summary>One primary, two replicas and three sentinels, each a process of its own, that know each other.</summary>
public sealed class SentinelGroup : IAsyncDisposable
{
    public const string Service = "mymaster";

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private readonly List<RedisServer> _servers = [];
    private readonly List<RedisServer> _sentinels = [];
    private readonly ConcurrentQueue<(string Text, long At)> _events = new();
    private readonly List<ConnectionMultiplexer> _ears = [];

    public IReadOnlyList<RedisServer> Sentinels => _sentinels;

    public IReadOnlyList<RedisServer> Servers => _servers;

    /// <summary>As StackExchange.Redis writes it.</summary>
    public string ConnectionString => $"{string.Join(',', _sentinels.Select(sentinel => sentinel.Endpoint))},serviceName={Service}";

    /// <summary>What the sentinels published, for the message of a failed assertion.</summary>
    public string Events => string.Join('\n', _events.Select(e => e.Text));

    /// <param name="password">That of the servers.</param>
    /// <param name="sentinelPassword">That of the sentinels.</param>
    public static async Task<SentinelGroup> StartAsync(string? password = null, string? sentinelPassword = null)
    {
        var group = new SentinelGroup();
        string[] arguments = ["--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "0", .. password is null ? (string[])[] : ["--requirepass", password, "--masterauth", password]];
        var primary = await RedisServer.StartAsync(arguments);
        group._servers.Add(primary);
        for (var i = 0; i < 2; i++)
            group._servers.Add(await RedisServer.StartAsync([.. arguments, "--replicaof", $"127.0.0.1 {primary.Port}"]));
        for (var i = 0; i < 3; i++)
        {
            group._sentinels.Add(await RedisServer.StartSentinelAsync($"""
                sentinel monitor {Service} 127.0.0.1 {primary.Port} 2
                sentinel down-after-milliseconds {Service} 1000
                sentinel failover-timeout {Service} 4000
                sentinel parallel-syncs {Service} 2
                {(password is null ? "" : $"sentinel auth-pass {Service} {password}")}
                {(sentinelPassword is null ? "" : $"requirepass {sentinelPassword}\nsentinel sentinel-pass {sentinelPassword}")}
                """));
        }

        await Eventually.TrueAsync(() => group.KnowEachOtherAsync(sentinelPassword), s_patience, () => "the sentinels do not know each other");
        await group.ListenAsync(sentinelPassword);
        return group;
    }

    /// <summary>Which server the first sentinel calls the primary.</summary>
    public async Task<RedisServer> PrimaryAsync()
    {
        var address = (await _ears[0].GetServers()[0].SentinelGetMasterAddressByNameAsync(Service))!;
        return _servers.Single(server => address.ToString()!.EndsWith($":{server.Port}", StringComparison.Ordinal));
    }

    /// <summary>Asks for a failover although nothing is broken.</summary>
    public Task FailOverAsync() => _ears[0].GetServers()[0].SentinelFailoverAsync(Service);

    /// <summary>Awaits the switch to another primary than <paramref name="before"/>, and tells when the first sentinel announced it.</summary>
    public async Task<(RedisServer Primary, long At)> SwitchedFromAsync(RedisServer before)
    {
        (RedisServer, long)? found = null;
        await Eventually.TrueAsync(() => (found = Switch(before)) is not null, s_patience, () => Events);
        return found!.Value;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var ear in _ears)
            await ear.CloseAsync(allowCommandsToComplete: false);
        foreach (var server in _sentinels.Concat(_servers))
            await server.DisposeAsync();
    }

    private (RedisServer Primary, long At)? Switch(RedisServer before)
    {
        foreach (var (text, at) in _events)
        {
            // +switch-master <service> <old ip> <old port> <new ip> <new port>
            var words = text.Split(' ');
            if (words is ["+switch-master", Service, _, var from, _, var to] && from == $"{before.Port}")
                return (_servers.Single(server => $"{server.Port}" == to), at);
        }

        return null;
    }

    private async Task<bool> KnowEachOtherAsync(string? password)
    {
        foreach (var sentinel in _sentinels)
        {
            await using var connection = await ConnectionMultiplexer.ConnectAsync(Options(sentinel, password));
            var state = (await connection.GetServers()[0].SentinelMasterAsync(Service)).ToDictionary(pair => pair.Key, pair => pair.Value);
            if (state["num-slaves"] != "2" || state["num-other-sentinels"] != "2" || state["flags"] != "master")
                return false;

            // A replica whose link is down is not promoted.
            var replicas = await connection.GetServers()[0].SentinelReplicasAsync(Service);
            if (!replicas.All(replica => replica.Any(pair => pair is { Key: "master-link-status", Value: "ok" })))
                return false;
        }

        return true;
    }

    private async Task ListenAsync(string? password)
    {
        foreach (var sentinel in _sentinels)
        {
            var ear = await ConnectionMultiplexer.ConnectAsync(Options(sentinel, password));
            await ear.GetSubscriber().SubscribeAsync(RedisChannel.Pattern("*"), Heard);
            _ears.Add(ear);
        }
    }

    private void Heard(RedisChannel channel, RedisValue message) => _events.Enqueue(($"{channel} {message}", Stopwatch.GetTimestamp()));

    private static ConfigurationOptions Options(RedisServer sentinel, string? password) => new()
    {
        EndPoints = { sentinel.Endpoint },
        CommandMap = CommandMap.Sentinel,
        TieBreaker = "",
        Password = password,
        AllowAdmin = true,
    };
}
