using StackExchange.Redis;

namespace Resilient.Redis.Queue.Storage;

/// <summary>Asks the server that keeps a queue's keys. What a user may not ask, or a server does not know, stays unknown.</summary>
internal sealed class ServerSettingsReader(IDatabase database, RedisKey root)
{
    private readonly List<string> _refused = [];

    public async Task<ServerSettings> ReadAsync(CancellationToken cancellationToken)
    {
        // On a cluster each queue has its server.
        var endpoint = await database.IdentifyEndpointAsync(root).WaitAsync(cancellationToken).ConfigureAwait(false);
        var server = endpoint is null ? database.Multiplexer.GetServers()[0] : database.Multiplexer.GetServer(endpoint);

        var memory = await InfoAsync(server, "memory", cancellationToken).ConfigureAwait(false);
        var persistence = await InfoAsync(server, "persistence", cancellationToken).ConfigureAwait(false);
        var replication = await InfoAsync(server, "replication", cancellationToken).ConfigureAwait(false);
        var save = await AskAsync(server, "CONFIG", ["GET", "save"], cancellationToken).ConfigureAwait(false);
        return new ServerSettings(
            memory.GetValueOrDefault("maxmemory_policy"),
            persistence.TryGetValue("aof_enabled", out var appends) ? appends != "0" : null,
            save is { Resp2Type: ResultType.Array, Length: 2 } ? (string?)save[1] : null,
            replication.GetValueOrDefault("role"),
            _refused);
    }

    private async Task<Dictionary<string, string>> InfoAsync(IServer server, string section, CancellationToken cancellationToken)
    {
        var text = (string?)await AskAsync(server, "INFO", [section], cancellationToken).ConfigureAwait(false) ?? "";
        var fields = new Dictionary<string, string>();
        foreach (var line in text.Split('\n', StringSplitOptions.TrimEntries))
        {
            if (line.IndexOf(':') is > 0 and var colon)
                fields[line[..colon]] = line[(colon + 1)..];
        }

        return fields;
    }

    private async Task<RedisResult?> AskAsync(IServer server, string command, object[] arguments, CancellationToken cancellationToken)
    {
        try
        {
            return await server.ExecuteAsync(command, arguments).WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (RedisServerException error)
        {
            _refused.Add($"{command} {string.Join(' ', arguments)}: {error.Message}");
            return null;
        }
    }
}
