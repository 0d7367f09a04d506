using StackExchange.Redis;

namespace Resilient.Redis.TestKit;

/// <summary>A server of the test's own, on a free loopback port; everything on it goes when it is disposed.</summary>
public abstract class TestServer : IAsyncDisposable
{
    public abstract int Port { get; }

    public string Endpoint => $"127.0.0.1:{Port}";

    /// <summary>redis-server where it is installed, else Garnet, so that the tests pass on a machine with nothing but the SDK.</summary>
    public static Task<TestServer> StartAsync(params string[] arguments) =>
        RedisServer.IsInstalled ? StartRedisAsync(arguments) : StartGarnetAsync();

    private static async Task<TestServer> StartRedisAsync(string[] arguments) => await RedisServer.StartAsync(arguments);

    private static async Task<TestServer> StartGarnetAsync() => await GarnetHost.StartAsync();

    /// <summary>Ends the server without a goodbye; its connections break.</summary>
    public abstract Task KillAsync();

    /// <summary>Starts it again on the same port.</summary>
    public abstract Task RestartAsync();

    /// <summary>A plain connection beside the code under test, to seed and to look.</summary>
    public async Task<ConnectionMultiplexer> ConnectAsync() =>
        await ConnectionMultiplexer.ConnectAsync($"{Endpoint},allowAdmin=true,connectTimeout=5000,syncTimeout=10000,asyncTimeout=10000");

    public abstract ValueTask DisposeAsync();
}
