using Polly;
using StackExchange.Redis;

namespace Resilient.Redis.Options;

/// <summary>The two escape hatches, in the order in which they were registered.</summary>
internal sealed class RedisHooks
{
    public List<Action<ConfigurationOptions>> Connection { get; } = [];

    public List<Action<ResiliencePipelineBuilder>> Pipeline { get; } = [];
}
