using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Resilient.Redis.Options;
using Resilient.Redis.TestKit;
using StackExchange.Redis;

namespace Resilient.Redis.Tests.Integration;

public sealed class RegistrationTests
{
    [Fact]
    public async Task Default_connection_resolves_unkeyed_and_under_the_empty_key_and_shares_its_multiplexer()
    {
        await using var server = await TestServer.StartAsync();
        using var host = Build(services => services.AddResilientRedis(o => o.ConnectionString = server.Endpoint));

        await host.StartAsync();

        var redis = host.Services.GetRequiredService<IResilientRedis>();
        redis.Name.Should().BeEmpty();
        host.Services.GetRequiredKeyedService<IResilientRedis>("").Should().BeSameAs(redis);
        host.Services.GetRequiredKeyedService<IRedisConnectionFactory>("").Should().BeSameAs(host.Services.GetRequiredService<IRedisConnectionFactory>());
        var shared = host.Services.GetRequiredService<IConnectionMultiplexer>();
        await shared.GetDatabase().StringSetAsync("shared", 1);
        var own = await redis.GetConnectionAsync();
        shared.GetDatabase().Multiplexer.Should().BeSameAs(own, "slot 0 serves both");
        host.Services.GetRequiredKeyedService<IConnectionMultiplexer>("").Should().BeSameAs(shared);
        await host.StopAsync();
    }

    [Fact]
    public async Task Named_connections_are_apart_each_with_its_own_section()
    {
        await using var server = await TestServer.StartAsync();
        using var host = Build(
            services =>
            {
                services.AddResilientRedis(o => o.ConnectionString = $"{server.Endpoint},defaultDatabase=1");
                services.AddResilientRedis("other");
            },
            new() { ["Redis:other:ConnectionString"] = $"{server.Endpoint},defaultDatabase=2", ["Redis:other:TotalTimeout"] = "00:00:33" });

        await host.StartAsync();

        var one = host.Services.GetRequiredService<IResilientRedis>();
        var other = host.Services.GetRequiredKeyedService<IResilientRedis>("other");
        other.Name.Should().Be("other");
        other.TotalTimeout.Should().Be(TimeSpan.FromSeconds(33));
        await one.ExecuteAsync(static db => db.StringSetAsync("where", "one"), RetrySafety.Idempotent);
        (await other.ExecuteAsync(static db => db.KeyExistsAsync("where"), RetrySafety.Idempotent)).Should().BeFalse();
        host.Services.GetRequiredKeyedService<IConnectionMultiplexer>("other").IsConnected.Should().BeTrue();
    }

    [Fact]
    public async Task Registering_twice_composes_and_does_not_double()
    {
        await using var server = await TestServer.StartAsync();
        using var host = Build(services =>
        {
            services.AddResilientRedis(o => o.ConnectionString = server.Endpoint);
            services.AddResilientRedis(o => o.TotalTimeout = TimeSpan.FromSeconds(44));
            services.Count(service => service.ServiceType == typeof(IResilientRedis) && !service.IsKeyedService).Should().Be(1);
            services.Count(service => service.ServiceType == typeof(IHostedService)).Should().Be(1);
        });

        await host.StartAsync();

        var redis = host.Services.GetRequiredService<IResilientRedis>();
        redis.TotalTimeout.Should().Be(TimeSpan.FromSeconds(44));
        (await redis.PingAsync()).Should().BePositive();
    }

    [Fact]
    public async Task Multiplexer_before_the_start_says_what_to_await()
    {
        await using var server = await TestServer.StartAsync();
        using var host = Build(services => services.AddResilientRedis(o => o.ConnectionString = server.Endpoint));

        var early = host.Services.GetRequiredService<IConnectionMultiplexer>;
        early.Should().Throw<InvalidOperationException>().WithMessage("*GetConnectionAsync*");
        await host.Services.GetRequiredService<IResilientRedis>().GetConnectionAsync();

        host.Services.GetRequiredService<IConnectionMultiplexer>().IsConnected.Should().BeTrue();
    }

    [Fact]
    public async Task Faults_of_all_sources_stop_the_start_at_once()
    {
        using var host = Build(
            services => services.AddResilientRedis(o => o.AttemptTimeout = TimeSpan.FromHours(1)),
            new() { ["Redis:PoolSize"] = "many" },
            new() { ["REDIS_SOCKET_KEEPALIVE"] = "perhaps" });

        var start = () => host.StartAsync();

        var error = (await start.Should().ThrowAsync<OptionsValidationException>()).Which;
        error.Message.Should().Contain("AttemptTimeout is 1 h; it must be from 10 ms to 5 min.")
            .And.Contain("Redis:PoolSize is 'many'; it must be a whole number.")
            .And.Contain("REDIS_SOCKET_KEEPALIVE is 'perhaps'; it must be true, false, 1 or 0.");
    }

    [Fact]
    public async Task Own_factory_registered_first_is_the_one_that_connects()
    {
        await using var server = await TestServer.StartAsync();
        var factory = new CountingFactory(server);
        using var host = Build(services =>
        {
            services.AddSingleton<IRedisConnectionFactory>(factory);
            services.AddResilientRedis();
        });

        await host.StartAsync();

        factory.Opened.Should().Be(1);
        (await host.Services.GetRequiredService<IResilientRedis>().PingAsync()).Should().BePositive();
    }

    [Fact]
    public async Task Escape_hatches_reach_the_driver()
    {
        await using var server = await TestServer.StartAsync();
        using var host = Build(services => services
            .AddResilientRedis(o => o.ConnectionString = server.Endpoint)
            .ConfigureConnection(driver => driver.ClientName = "chosen"));

        await host.StartAsync();

        (await host.Services.GetRequiredService<IResilientRedis>().GetConnectionAsync()).ClientName.Should().Be("chosen");
    }

    [Fact]
    public async Task Contradicting_threads_stop_the_start()
    {
        using var host = Build(services =>
        {
            services.AddResilientRedis(o => o.DedicatedThreads = true);
            services.AddResilientRedis("other", o => o.DedicatedThreads = false);
        });

        var start = () => host.StartAsync();

        (await start.Should().ThrowAsync<OptionsValidationException>()).WithMessage("*DedicatedThreads*one switch for the whole process*");
    }

    private static IHost Build(Action<IServiceCollection> register, Dictionary<string, string?>? settings = null, Dictionary<string, string>? variables = null)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Configuration.AddInMemoryCollection(settings ?? []);
        builder.Services.AddSingleton(new ProcessEnvironment(name => variables?.GetValueOrDefault(name)));
        builder.Services.AddLogging(logging => logging.SetMinimumLevel(LogLevel.Debug));
        register(builder.Services);
        return builder.Build();
    }

    private sealed class CountingFactory(TestServer server) : IRedisConnectionFactory
    {
        public int Opened { get; private set; }

        public async Task<IConnectionMultiplexer> ConnectAsync(Action<ConfigurationOptions>? adjust = null, CancellationToken cancellationToken = default)
        {
            Opened++;
            var options = ConfigurationOptions.Parse(server.Endpoint);
            adjust?.Invoke(options);
            return await ConnectionMultiplexer.ConnectAsync(options);
        }
    }
}
