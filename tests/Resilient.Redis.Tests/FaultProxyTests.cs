using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Tests;

/// <summary>The test kit's proxy: what the fault tests stand on.</summary>
public sealed class FaultProxyTests
{
    private static readonly byte[] s_ping = "PING\r\n"u8.ToArray();

    [Fact]
    public async Task Proxy_forwards_both_ways()
    {
        await using var server = await TestServer.StartAsync();
        await using var proxy = FaultProxy.Start(server);
        using var client = await ConnectAsync(proxy);

        (await AskAsync(client)).Should().Be("+PONG\r\n");
        proxy.Accepted.Should().Be(1);
        proxy.Open.Should().Be(1);
    }

    [Fact]
    public async Task Silence_swallows_on_open_connections_and_new_ones_work()
    {
        await using var server = await TestServer.StartAsync();
        await using var proxy = FaultProxy.Start(server);
        using var old = await ConnectAsync(proxy);
        await AskAsync(old);

        proxy.Silence();
        using var fresh = await ConnectAsync(proxy);

        (await AskAsync(fresh)).Should().Be("+PONG\r\n");
        var silent = () => AskAsync(old).WaitAsync(TimeSpan.FromMilliseconds(200));
        await silent.Should().ThrowAsync<TimeoutException>();
        old.Connected.Should().BeTrue();
    }

    [Fact]
    public async Task Delay_is_added_in_each_direction()
    {
        await using var server = await TestServer.StartAsync();
        await using var proxy = FaultProxy.Start(server);
        using var client = await ConnectAsync(proxy);
        proxy.Delay = TimeSpan.FromMilliseconds(100);

        var clock = Stopwatch.StartNew();
        await AskAsync(client);

        clock.Elapsed.Should().BeGreaterThan(TimeSpan.FromMilliseconds(195));
    }

    [Fact]
    public async Task Reset_breaks_open_connections()
    {
        await using var server = await TestServer.StartAsync();
        await using var proxy = FaultProxy.Start(server);
        using var client = await ConnectAsync(proxy);
        await AskAsync(client);

        proxy.Reset();

        var read = () => client.GetStream().ReadAsync(new byte[1]).AsTask();
        (await read.Should().ThrowAsync<IOException>()).Which.InnerException.Should().BeOfType<SocketException>()
            .Which.SocketErrorCode.Should().Be(SocketError.ConnectionReset);
        await Eventually.TrueAsync(() => proxy.Open == 0, TimeSpan.FromSeconds(1));
    }

    [Theory]
    [InlineData(0, "")]
    [InlineData(3, "+PO")]
    [InlineData(7, "+PONG\r\n")]
    public async Task Cut_after_reply_bytes_lets_exactly_these_through(int count, string expected)
    {
        await using var server = await TestServer.StartAsync();
        await using var proxy = FaultProxy.Start(server);
        using var client = await ConnectAsync(proxy);
        proxy.CutAfterReplyBytes(count);

        (await ReadAllAsync(client)).Should().Be(expected);

        using var next = await ConnectAsync(proxy);
        (await AskAsync(next)).Should().Be("+PONG\r\n", "it cuts once");
    }

    [Fact]
    public async Task Cut_after_request_bytes_keeps_the_rest_from_the_server()
    {
        await using var server = await TestServer.StartAsync();
        await using var proxy = FaultProxy.Start(server);
        using var client = await ConnectAsync(proxy);
        proxy.CutAfterRequestBytes(5);

        (await ReadAllAsync(client)).Should().BeEmpty("PING without its line end is no command");
    }

    private static async Task<TcpClient> ConnectAsync(FaultProxy proxy)
    {
        var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync("127.0.0.1", proxy.Port);
        return client;
    }

    private static async Task<string> AskAsync(TcpClient client)
    {
        await client.GetStream().WriteAsync(s_ping);
        var buffer = new byte[64];
        var count = await client.GetStream().ReadAsync(buffer);
        return Encoding.ASCII.GetString(buffer, 0, count);
    }

    /// <summary>Sends a PING and reads until the connection breaks.</summary>
    private static async Task<string> ReadAllAsync(TcpClient client)
    {
        var text = new StringBuilder();
        var buffer = new byte[64];
        try
        {
            await client.GetStream().WriteAsync(s_ping);
            while (await client.GetStream().ReadAsync(buffer).AsTask().WaitAsync(TimeSpan.FromSeconds(5)) is > 0 and var count)
                text.Append(Encoding.ASCII.GetString(buffer, 0, count));
        }
        catch (IOException)
        {
            // Broken, as it should be.
        }

        return text.ToString();
    }
}
