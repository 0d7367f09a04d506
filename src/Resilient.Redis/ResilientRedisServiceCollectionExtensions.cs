using System.Diagnostics.Metrics;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Polly;
using Resilient.Redis;
using Resilient.Redis.Connections;
using Resilient.Redis.Diagnostics;
using Resilient.Redis.Options;
using StackExchange.Redis;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers connections to Redis.</summary>
public static class ResilientRedisServiceCollectionExtensions
{
    /// <summary>Adds the default connection: <see cref="IResilientRedis"/>, <see cref="IRedisConnectionFactory"/> and, once the application has started, <see cref="IConnectionMultiplexer"/>.</summary>
    /// <remarks>Also resolvable keyed by the empty string. Calling it again adds to the same connection.</remarks>
    public static IResilientRedisBuilder AddResilientRedis(this IServiceCollection services, Action<ResilientRedisOptions>? configure = null)
    {
        var builder = Add(services, Options.Options.DefaultName, configure);
        services.TryAddSingleton<IRedisConnectionFactory>(provider => Factory(provider, ""));
        services.TryAddSingleton<IResilientRedis>(provider => Redis(provider, "", provider.GetRequiredService<IRedisConnectionFactory>()));
        services.TryAddSingleton<IConnectionMultiplexer>(provider => Shared(provider.GetRequiredService<IResilientRedis>()));
        services.TryAddKeyedSingleton("", static (provider, _) => provider.GetRequiredService<IRedisConnectionFactory>());
        services.TryAddKeyedSingleton("", static (provider, _) => provider.GetRequiredService<IResilientRedis>());
        services.TryAddKeyedSingleton("", static (provider, _) => provider.GetRequiredService<IConnectionMultiplexer>());
        return builder;
    }

    /// <summary>Adds a further connection, its services keyed by <paramref name="name"/> and its configuration in section <c>Redis:{name}</c>.</summary>
    public static IResilientRedisBuilder AddResilientRedis(this IServiceCollection services, string name, Action<ResilientRedisOptions>? configure = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        var builder = Add(services, name, configure);
        services.TryAddKeyedSingleton<IRedisConnectionFactory>(name, (provider, _) => Factory(provider, name));
        services.TryAddKeyedSingleton<IResilientRedis>(name, (provider, _) => Redis(provider, name, provider.GetRequiredKeyedService<IRedisConnectionFactory>(name)));
        services.TryAddKeyedSingleton<IConnectionMultiplexer>(name, (provider, _) => Shared(provider.GetRequiredKeyedService<IResilientRedis>(name)));
        return builder;
    }

    /// <summary>Escape hatch: changes the driver's options after all else has been set, for every connection that is opened.</summary>
    public static IResilientRedisBuilder ConfigureConnection(this IResilientRedisBuilder builder, Action<ConfigurationOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(configure);
        builder.Services.Configure<RedisHooks>(builder.Name, hooks => hooks.Connection.Add(configure));
        return builder;
    }

    /// <summary>Escape hatch: adds strategies inside the retry, for attempts after the first; a call that succeeds at once never enters them.</summary>
    public static IResilientRedisBuilder ConfigurePipeline(this IResilientRedisBuilder builder, Action<ResiliencePipelineBuilder> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(configure);
        builder.Services.Configure<RedisHooks>(builder.Name, hooks => hooks.Pipeline.Add(configure));
        return builder;
    }

    /// <summary>Adds a health check that reports what the watchdog knows; it never calls Redis and so never hangs with it.</summary>
    /// <param name="builder">The connection.</param>
    /// <param name="name">Its name; by default <c>redis</c>, or <c>redis:{name}</c> for a named connection.</param>
    /// <param name="failureStatus">What to report when Redis is away; unhealthy by default.</param>
    /// <param name="tags">Tags to filter by, such as <c>ready</c>.</param>
    public static IResilientRedisBuilder AddHealthCheck(this IResilientRedisBuilder builder, string? name = null, HealthStatus? failureStatus = null, IEnumerable<string>? tags = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var key = builder.Name;
        builder.Services.AddHealthChecks().Add(new HealthCheckRegistration(
            name ?? (key.Length == 0 ? "redis" : $"redis:{key}"),
            provider => new RedisHealthCheck(provider.GetRequiredKeyedService<IResilientRedis>(key), provider.GetRequiredService<TimeProvider>()),
            failureStatus,
            tags));
        return builder;
    }

    private static Builder Add(IServiceCollection services, string name, Action<ResilientRedisOptions>? configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        var options = services.AddOptions<ResilientRedisOptions>(name).ValidateOnStart();
        if (configure is not null)
            options.Configure(configure);
        if (services.Any(service => service.ServiceType == typeof(RedisRegistration) && service.ImplementationInstance is RedisRegistration old && old.Name == name))
            return new Builder(name, services);

        services.AddSingleton(new RedisRegistration(name));
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton(new ProcessEnvironment(Environment.GetEnvironmentVariable));
        services.TryAddSingleton<DedicatedThreadsVotes>();
        services.AddSingleton<IValidateOptions<ResilientRedisOptions>>(provider =>
            new ResilientRedisOptionsValidator(name, Resolver(provider, name), provider.GetRequiredService<DedicatedThreadsVotes>()));
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, RedisStarter>());
        return new Builder(name, services);
    }

    private static RedisConnectionFactory Factory(IServiceProvider provider, string name) =>
        new(
            Resolve(provider, name),
            provider.GetRequiredService<IOptionsMonitor<RedisHooks>>().Get(name),
            provider.GetService<ILoggerFactory>()?.CreateLogger<ResilientRedis>() ?? NullLogger<ResilientRedis>.Instance,
            provider.GetRequiredService<TimeProvider>());

    private static ResilientRedis Redis(IServiceProvider provider, string name, IRedisConnectionFactory factory) => new(
        Resolve(provider, name),
        provider.GetRequiredService<IOptionsMonitor<RedisHooks>>().Get(name),
        factory,
        provider.GetService<ILoggerFactory>() ?? NullLoggerFactory.Instance,
        provider.GetService<IMeterFactory>(),
        provider.GetRequiredService<TimeProvider>());

    private static SharedMultiplexer Shared(IResilientRedis redis) =>
        redis is ResilientRedis { Pool.First: { } first }
            ? new SharedMultiplexer(first.Multiplexer)
            : throw new InvalidOperationException(
                $"The connection to {(redis.Name.Length == 0 ? "Redis" : $"Redis '{redis.Name}'")} is not open yet, and a container must not wait for a network. "
                + "It opens before hosted services start; before that, or without a host, first await IResilientRedis.GetConnectionAsync().");

    private static ResolvedRedisOptions Resolve(IServiceProvider provider, string name)
    {
        // Get runs the validator, which throws with all faults at once.
        var code = provider.GetRequiredService<IOptionsMonitor<ResilientRedisOptions>>().Get(name);
        return Resolver(provider, name).Resolve(code, new OptionsCheck())!;
    }

    private static OptionsResolver Resolver(IServiceProvider provider, string name) =>
        new(name, provider.GetRequiredService<ProcessEnvironment>().Read, provider.GetService<IConfiguration>());

    private sealed record Builder(string Name, IServiceCollection Services) : IResilientRedisBuilder;
}
