using Resilient.Redis.TestKit;

namespace Resilient.Redis.Tests;

/// <summary>The test kit's own servers: what the other tests stand on.</summary>
public sealed class TestServerTests
{
    [Fact]
    public async Task Server_answers_on_its_port_again_after_a_kill_and_a_restart()
    {
        await using var server = await TestServer.StartAsync();
        await server.KillAsync();
        await server.RestartAsync();

        await using var connection = await server.ConnectAsync();

        (await connection.GetDatabase().PingAsync()).Should().BePositive();
    }

    [Fact]
    public async Task Garnet_answers_on_its_port()
    {
        await using var server = await GarnetHost.StartAsync();
        await using var connection = await server.ConnectAsync();

        (await connection.GetDatabase().PingAsync()).Should().BePositive();
    }
}
