using Microsoft.Extensions.DependencyInjection;

namespace Resilient.Redis.Queue;

/// <summary>A queue under registration.</summary>
public interface IJobQueueBuilder
{
    /// <summary>The queue's name.</summary>
    string Name { get; }

    /// <summary>Where it is registered.</summary>
    IServiceCollection Services { get; }
}
