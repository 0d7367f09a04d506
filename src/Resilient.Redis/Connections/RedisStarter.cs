using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Resilient.Redis.Connections;

/// <summary>One for each call of AddResilientRedis under a new name.</summary>
internal sealed record RedisRegistration(string Name);

/// <summary>Opens the first connection of each registration before other hosted services start. A dead Redis makes a log line, never a failed start.</summary>
internal sealed class RedisStarter(IServiceProvider provider, IEnumerable<RedisRegistration> registrations) : IHostedLifecycleService
{
    public Task StartingAsync(CancellationToken cancellationToken) =>
        Task.WhenAll(registrations.Select(registration =>
            provider.GetRequiredKeyedService<IResilientRedis>(registration.Name) is ResilientRedis redis ? redis.StartAsync(cancellationToken) : Task.CompletedTask));

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
