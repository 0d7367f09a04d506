using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Resilient.Redis;
using Resilient.Redis.Queue.Registration;
using Resilient.Redis.Queue.Testing;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Puts the queues of an application under test into memory.</summary>
public static class InMemoryJobQueueServiceCollectionExtensions
{
    /// <summary>From now on every queue of this container lives in memory, with the rules that it has in Redis; handlers and workers stay as they are registered. Call it after the application's own registrations.</summary>
    /// <remarks>
    /// No connection is opened at the start any more; other code that asks for <see cref="IResilientRedis"/> opens one then.
    /// Resolve <see cref="InMemoryJobQueues"/> to see what was enqueued and to wait for its end. The clock is the container's <see cref="TimeProvider"/>.
    /// </remarks>
    /// <param name="services">The application's services.</param>
    /// <param name="queues">The queues to use, shared with other hosts; new ones when null.</param>
    public static IServiceCollection UseInMemoryJobQueues(this IServiceCollection services, InMemoryJobQueues? queues = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.TryAddSingleton(TimeProvider.System);
        services.RemoveAll<InMemoryJobQueues>();
        if (queues is null)
            services.AddSingleton(static provider => new InMemoryJobQueues(provider.GetRequiredService<TimeProvider>()));
        else
            services.AddSingleton(queues);
        services.RemoveAll<QueueBackend>();
        services.AddSingleton<QueueBackend, InMemoryBackend>();

        // What opens connections before the host has started: here there may be no Redis.
        foreach (var starter in services.Where(service => service.ServiceType == typeof(IHostedService) && service.ImplementationType?.Assembly == typeof(IResilientRedis).Assembly).ToList())
            services.Remove(starter);
        return services;
    }
}
