using System.Reflection;
using StackExchange.Redis;
using Xunit;
using Xunit.Sdk;

namespace Resilient.Redis.TestKit;

public enum ServerKind
{
    RedisServer,
    Garnet,

    /// <summary>No server: the queue of Resilient.Redis.Queue.Testing.</summary>
    InMemory,
}

/// <summary>Runs a theory on redis-server and on Garnet; on Garnet alone where redis-server is not installed.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class OnBothServersAttribute : DataAttribute
{
    public override IEnumerable<object[]> GetData(MethodInfo testMethod) =>
        RedisServer.IsInstalled ? [[ServerKind.RedisServer], [ServerKind.Garnet]] : [[ServerKind.Garnet]];
}

/// <summary>A fixture that starts each kind of server once for a test class, when it is first asked for.</summary>
public sealed class BothServers : IAsyncLifetime
{
    private readonly Lazy<Task<Running>> _redis = new(async () => await StartAsync(await RedisServer.StartAsync()));
    private readonly Lazy<Task<Running>> _garnet = new(async () => await StartAsync(await GarnetHost.StartAsync()));

    public async Task<IConnectionMultiplexer> ConnectionAsync(ServerKind kind) => (await RunningAsync(kind)).Connection;

    public async Task<TestServer> ServerAsync(ServerKind kind) => (await RunningAsync(kind)).Server;

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (var started in new[] { _redis, _garnet }.Where(server => server.IsValueCreated))
        {
            var (server, connection) = await started.Value;
            await connection.DisposeAsync();
            await server.DisposeAsync();
        }
    }

    private Task<Running> RunningAsync(ServerKind kind) => kind switch
    {
        ServerKind.RedisServer => _redis.Value,
        ServerKind.Garnet => _garnet.Value,
        _ => throw new ArgumentException($"{kind} is no server.", nameof(kind)),
    };

    private static async Task<Running> StartAsync(TestServer server) => new(server, await server.ConnectAsync());

    private sealed record Running(TestServer Server, ConnectionMultiplexer Connection);
}
