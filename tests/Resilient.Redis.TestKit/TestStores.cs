using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Resilient.Redis.Queue;
using Resilient.Redis.Queue.Storage;

namespace Resilient.Redis.TestKit;

/// <summary>Puts a store of the test's in the place of a queue's own, over the same connections.</summary>
internal static class TestStores
{
    public static void Add(IServiceCollection services, string queue, Func<IResilientRedis, QueueKeys, JobQueueOptions, IRedisConnectionFactory, JobStore> store) =>
        services.AddKeyedSingleton(queue, (provider, _) =>
        {
            var options = provider.GetRequiredService<IOptionsMonitor<JobQueueOptions>>().Get(queue);
            return store(
                provider.GetRequiredKeyedService<IResilientRedis>(""), new QueueKeys(options.KeyPrefix, queue), options, provider.GetRequiredKeyedService<IRedisConnectionFactory>(""));
        });
}
