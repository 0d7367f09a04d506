using Microsoft.Extensions.DependencyInjection;

namespace Resilient.Redis;

/// <summary>A Redis connection under registration.</summary>
public interface IResilientRedisBuilder
{
    /// <summary>The connection's name; empty for the default one.</summary>
    string Name { get; }

    /// <summary>Where it is registered.</summary>
    IServiceCollection Services { get; }
}
