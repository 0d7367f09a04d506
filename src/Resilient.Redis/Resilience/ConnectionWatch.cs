using System.Net;
using Resilient.Redis.Connections;
using Resilient.Redis.Options;

namespace Resilient.Redis.Resilience;

/// <summary>The watchdog's looks at one connection of the pool, each of its servers apart.</summary>
internal sealed class ConnectionWatch(PooledConnection connection, ConnectionPool pool, ConnectionProbe probe, ThreadPoolLag threads, ResolvedRedisOptions options, TimeProvider time)
{
    private static readonly TimeSpan s_probeInterval = TimeSpan.FromMilliseconds(250);

    private readonly Dictionary<EndPoint, ServerWatch> _servers = [];
    private int _disconnected;

    /// <summary>The replacing under way: never awaited by a look, only at the end.</summary>
    public Task Replacing { get; private set; } = Task.CompletedTask;

    public void Look(CancellationToken stopping)
    {
        var servers = Servers();
        var counters = connection.Multiplexer.GetCounters().Interactive;
        connection.History.Note(counters.OperationCount - counters.SentItemsAwaitingResponse, connection.Sockets.Traffic().Received);
        foreach (var server in servers)
            Take(server, stopping);
        if (connection.IsUp)
            Listen(servers, stopping);
        else
            Call(servers);
    }

    /// <summary>A working connection: does each server still answer?</summary>
    private void Listen(List<ServerWatch> servers, CancellationToken stopping)
    {
        // Twice in a row: the driver's own event comes first and brings the cause.
        _disconnected = connection.Multiplexer.IsConnected ? 0 : _disconnected + 1;
        if (_disconnected >= 2)
        {
            _disconnected = 0;
            pool.SetDown(connection, "the driver reports it as disconnected", null, LossSeenBy.Watchdog);
            return;
        }

        foreach (var server in servers)
        {
            if (!server.IsConnected)
            {
                server.Reset();     // what it owed is lost with its connection
                continue;
            }

            server.Listen();
            if (server.IsSilent && !ReadingIsStarved)
            {
                if (servers.Count == 1)
                    pool.SetDown(connection, $"{server.Owed} replies are owed and none came for {OptionsCheck.Text(options.AttemptTimeout)}", null, LossSeenBy.Watchdog);
                Replace(server, stopping);
                continue;
            }

            if (server.IsDeaf && !server.IsSilent && !ReadingIsStarved)
            {
                // The same server answers on its other socket, so it is this one that is dead.
                server.Reset();
                pool.CloseDeaf(connection, server.EndPoint);
            }

            // Keeps the latency that health reports, and makes an idle connection owe us a reply.
            if (!server.IsPinging && (connection.Latency is null || server.SincePing >= options.KeepAliveInterval))
                server.Ping();
        }
    }

    /// <summary>A connection that is down: is it back?</summary>
    private void Call(List<ServerWatch> servers)
    {
        foreach (var server in servers)
        {
            if (!server.IsConnected)
            {
                server.Reset();
                continue;
            }

            // A reply that comes too late for its caller still shows that the server is only slow.
            server.Listen();
            if (server.HasReplied)
                pool.SetUp(connection);
            else if (!server.IsPinging && server.SincePing >= s_probeInterval)
                server.Ping();
        }
    }

    private void Take(ServerWatch server, CancellationToken stopping)
    {
        if (server.TakePing() is not { } ping)
            return;
        if (ping.Error is { } error && !(error is TimeoutException && ReadingIsStarved))
            pool.Saw(error);
        if (ping.Took is { } took)
            connection.Answered(took);
        if (connection.IsUp)
            return;     // listening finds its silence by what is owed
        switch (ping.Answer)
        {
            case Answer.Yes:
                server.Reset();
                pool.SetUp(connection);
                break;
            case Answer.None:
                Replace(server, stopping);
                break;
        }
    }

    private void Replace(ServerWatch server, CancellationToken stopping)
    {
        if (Replacing.IsCompleted)
            Replacing = Task.Run(() => ReplaceIfFreshOneAnswersAsync(server, stopping), CancellationToken.None);
    }

    private async Task ReplaceIfFreshOneAnswersAsync(ServerWatch server, CancellationToken stopping)
    {
        var replies = server.Replies;
        var answers = await probe.FreshOneAnswersAsync(server.EndPoint, stopping).ConfigureAwait(false);
        var isGivenUp = !answers && await ClusterVerdict.HasFailedAsync(connection.Multiplexer, server.EndPoint, options.AttemptTimeout, time, stopping).ConfigureAwait(false);
        if ((!answers && !isGivenUp) || server.Replies != replies)
            return;
        server.Reset();
        await pool.DropAsync(connection, isGivenUp ? "its cluster has given it up" : "it is dead, a fresh one answers", server.EndPoint).ConfigureAwait(false);
    }

    /// <summary>Replies that nobody has a thread to read are no silence. With threads of its own the driver reads whatever happens.</summary>
    private bool ReadingIsStarved => !DedicatedThreads.IsOn && threads.Now > s_probeInterval;

    private List<ServerWatch> Servers()
    {
        var servers = connection.Multiplexer.GetServers();
        var watches = new List<ServerWatch>(servers.Length);
        foreach (var server in servers)
        {
            if (!_servers.TryGetValue(server.EndPoint, out var watch))
                _servers[server.EndPoint] = watch = new ServerWatch(server, connection.Sockets, options.AttemptTimeout, time);
            watches.Add(watch);
        }

        return watches;
    }
}
