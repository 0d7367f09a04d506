using Resilient.Redis.TestKit;

namespace Resilient.Redis.Tests.Faults;

/// <summary>With abortConnect=false every misconfiguration "connects": the cause is probed for and named, once in the log and in each error.</summary>
public sealed class MisconfigurationTests
{
    [NeedsRedisServerFact("--requirepass")]
    public async Task Missing_password_is_named()
    {
        await using var server = await RedisServer.StartAsync("--requirepass", "x");
        await IsRefusedAsync(server.Endpoint, "NOAUTH", "put it into ConnectionString");
    }

    [NeedsRedisServerFact("--requirepass")]
    public async Task Wrong_password_is_named()
    {
        await using var server = await RedisServer.StartAsync("--requirepass", "x");
        await IsRefusedAsync($"redis://:y@{server.Endpoint}", "WRONGPASS", "Correct the user name and password");
    }

    [Fact]
    public async Task Unknown_host_is_named() =>
        await IsUnavailableAsync("no-such-host.invalid", "not known to DNS", "103");

    [Fact]
    public async Task Closed_port_is_named() =>
        await IsUnavailableAsync($"127.0.0.1:{Ports.Free()}", "connection refused", "102");

    [Fact]
    public async Task Tls_against_a_plain_port_is_named()
    {
        await using var server = await TestServer.StartAsync();
        await IsUnavailableAsync($"rediss://{server.Endpoint}", "TLS", "103");
    }

    [NeedsRedisServerFact("CONFIG SET maxclients")]
    public async Task Full_server_is_named()
    {
        await using var server = await RedisServer.StartAsync("--maxclients", "1");
        using var held = new System.Net.Sockets.TcpClient("127.0.0.1", server.Port);
        await Eventually.TrueAsync(() => held.Connected, TimeSpan.FromSeconds(1));
        await IsUnavailableAsync(server.Endpoint, "MAXCLIENTS. Redis has as many clients as it takes", "102");
    }

    [NeedsRedisServerFact("ACL SETUSER")]
    public async Task Missing_permission_is_named()
    {
        await using var server = await RedisServer.StartAsync();
        await using var beside = await server.ConnectAsync();
        await beside.GetDatabase().ExecuteAsync("ACL", "SETUSER", "reader", "on", ">pw", "~*", "+@all", "-incr");
        await using var redis = Testing.Create($"redis://reader:pw@{server.Endpoint}");

        var (error, _) = await Testing.FailsAsync<RedisRefusedException>(() => redis.IncrementAsync("n", RetrySafety.Idempotent));

        error.ErrorCode.Should().Be("NOPERM");
        error.Message.Should().Contain("ACL SETUSER");
    }

    [NeedsRedisServerFact("--requirepass")]
    public async Task Refused_password_is_not_hammered_and_heals_when_the_server_changes()
    {
        await using var server = await RedisServer.StartAsync("--requirepass", "x");
        await using var proxy = FaultProxy.Start(server);
        await using var redis = Testing.Create($"redis://:y@{proxy.Endpoint}");
        await Testing.FailsAsync<RedisRefusedException>(() => redis.IncrementAsync("n", RetrySafety.Idempotent));

        // A window of time is what is measured here, so it is waited for.
        await Task.Delay(TimeSpan.FromSeconds(8));
        proxy.Accepted.Should().BeLessThan(24, "a refusal is tried ever more slowly");

        await using var beside = await StackExchange.Redis.ConnectionMultiplexer.ConnectAsync($"{server.Endpoint},password=x,allowAdmin=true");
        await beside.GetServers()[0].ConfigSetAsync("requirepass", "y");
        await Eventually.TrueAsync(() => redis.Availability.IsUp, TimeSpan.FromSeconds(10));
        (await redis.IncrementAsync("n", RetrySafety.Idempotent)).Should().Be(1);
    }

    [Fact]
    public async Task Tls_against_a_plain_port_is_not_hammered()
    {
        await using var server = await TestServer.StartAsync();
        await using var proxy = FaultProxy.Start(server);
        await using var redis = Testing.Create($"rediss://{proxy.Endpoint}");
        await Testing.FailsAsync<RedisUnavailableException>(() => redis.IncrementAsync("n", RetrySafety.Idempotent));

        await Task.Delay(TimeSpan.FromSeconds(5));
        proxy.Accepted.Should().BeLessThan(50);
    }

    [NeedsRedisServerFact("CONFIG SET maxclients")]
    public async Task Full_server_is_not_hammered_and_heals_when_there_is_room()
    {
        await using var server = await RedisServer.StartAsync("--maxclients", "1");
        var held = new System.Net.Sockets.TcpClient("127.0.0.1", server.Port);
        await using var proxy = FaultProxy.Start(server);
        await using var redis = Testing.Create(proxy.Endpoint);
        await Testing.FailsAsync<RedisUnavailableException>(() => redis.IncrementAsync("n", RetrySafety.Idempotent));

        await Task.Delay(TimeSpan.FromSeconds(5));
        proxy.Accepted.Should().BeLessThan(50);

        await held.GetStream().WriteAsync("CONFIG SET maxclients 100\r\n"u8.ToArray());
        await Eventually.TrueAsync(() => redis.Availability.IsUp, TimeSpan.FromSeconds(10));
        held.Dispose();
    }

    [NeedsRedisServerFact("--requirepass")]
    public async Task Error_reply_to_a_ping_is_an_answer_and_drops_nothing()
    {
        await using var server = await RedisServer.StartAsync();
        using var logs = new CollectedLogs();
        await using var redis = Testing.Create(server.Endpoint, logs: logs);
        await redis.GetConnectionAsync();
        await using var beside = await server.ConnectAsync();

        // The open connections lose their login, and every PING now gets an error reply.
        await beside.GetDatabase().ExecuteAsync("ACL", "SETUSER", "default", "-ping");

        var (error, _) = await Testing.FailsAsync<RedisRefusedException>(() => redis.PingAsync().AsTask());
        error.ErrorCode.Should().Be("NOPERM");
        (await redis.ReplaceDeadAsync()).Should().Be(0);
        logs.Story().Should().ContainSingle();
    }

    private static async Task IsRefusedAsync(string connection, string code, string advice)
    {
        using var logs = new CollectedLogs();
        await using var redis = Testing.Create(connection, logs: logs);

        var (error, _) = await Testing.FailsAsync<RedisRefusedException>(() => redis.IncrementAsync("n", RetrySafety.Idempotent));
        error.ErrorCode.Should().Be(code);
        error.IsTransient.Should().BeFalse();
        error.Message.Should().Contain(advice);
        (await Testing.FailsAsync<RedisRefusedException>(() => redis.PingAsync().AsTask())).Error.ErrorCode.Should().Be(code);
        logs.Story().Should().ContainSingle().Which.Should().StartWith("103: Redis: no connection 0").And.Contain(code).And.Contain(advice);
    }

    private static async Task IsUnavailableAsync(string connection, string cause, string eventId)
    {
        using var logs = new CollectedLogs();
        await using var redis = Testing.Create(connection, logs: logs);

        var (error, _) = await Testing.FailsAsync<RedisUnavailableException>(() => redis.IncrementAsync("n", RetrySafety.Idempotent));
        error.Message.Should().Contain(cause);
        error.MayHaveExecuted.Should().BeFalse();
        logs.Story().Should().ContainSingle().Which.Should().StartWith(eventId + ": Redis: no connection 0").And.Contain(cause);
    }
}
