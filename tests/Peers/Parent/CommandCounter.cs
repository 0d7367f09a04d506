using System.Net.Sockets;
using System.Text;
using StackExchange.Redis;

namespace Resilient.Redis.Peers.Parent;

/// <summary>
/// Counts what Redis is asked to do, from MONITOR: commandstats counts the same commands, but does not tell a client's from a script's.
/// It slows the server down, so nothing is timed beside it.
/// </summary>
internal sealed class CommandCounter(int port, IDatabase beside) : IAsyncDisposable
{
    private readonly TcpClient _client = new();
    private readonly string _end = Guid.NewGuid().ToString("N");
    private Task<(long ByClients, long All)>? _counting;

    public async Task StartAsync()
    {
        await _client.ConnectAsync("127.0.0.1", port);
        var stream = _client.GetStream();
        await stream.WriteAsync("MONITOR\r\n"u8.ToArray());
        var reader = new StreamReader(stream, Encoding.Latin1, bufferSize: 1 << 16);
        await reader.ReadLineAsync(); // +OK
        _counting = Task.Run(() => CountAsync(reader));
    }

    /// <summary>What came since the start.</summary>
    public async Task<(long ByClients, long All)> StopAsync()
    {
        await beside.ExecuteAsync("ECHO", _end);
        return await _counting!;
    }

    public ValueTask DisposeAsync()
    {
        _client.Dispose();
        return default;
    }

    /// <summary>A line is <c>+1732570000.123456 [0 127.0.0.1:50000] "GET" "key"</c>, with <c>lua</c> for the address within a script.</summary>
    private async Task<(long ByClients, long All)> CountAsync(StreamReader reader)
    {
        var (byClients, all) = (0L, 0L);
        while (await reader.ReadLineAsync() is { } line && !line.Contains(_end, StringComparison.Ordinal))
        {
            all++;
            if (!line.AsSpan(0, line.IndexOf(']', StringComparison.Ordinal)).EndsWith(" lua"))
                byClients++;
        }

        return (byClients, all);
    }
}
