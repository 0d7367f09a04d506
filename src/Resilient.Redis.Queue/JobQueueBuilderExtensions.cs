using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Resilient.Redis;
using Resilient.Redis.Queue;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds a queue, its handlers and its worker to a Redis connection.</summary>
public static class JobQueueBuilderExtensions
{
    /// <summary>Adds a queue: <see cref="IJobQueue"/> and <see cref="IJobQueueAdmin"/>, keyed by the queue's name, and unkeyed while there is one queue only.</summary>
    public static IJobQueueBuilder AddQueue(this IResilientRedisBuilder builder, string name, Action<JobQueueOptions>? configure = null) => throw new NotImplementedException();

    /// <summary>Adds the handler of one type of job.</summary>
    /// <param name="builder">The queue.</param>
    /// <param name="jobName">The wire name; by default that of <see cref="JobNameAttribute"/>, else the type's name.</param>
    /// <exception cref="InvalidOperationException">Another handler has this name already.</exception>
    public static IJobQueueBuilder AddHandler<TJob, [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] THandler>(this IJobQueueBuilder builder, string? jobName = null)
        where THandler : class, IJobHandler<TJob> => throw new NotImplementedException();

    /// <summary>Runs the queue's jobs in this process. A service that only produces leaves it out.</summary>
    public static IJobQueueBuilder AddWorker(this IJobQueueBuilder builder, Action<JobWorkerOptions>? configure = null) => throw new NotImplementedException();

    /// <summary>Adds a health check: healthy while this process's worker has claimed, settled or extended within one lease.</summary>
    /// <param name="builder">The queue.</param>
    /// <param name="name">Default <c>queue:{name}</c>.</param>
    /// <param name="failureStatus">What a failure is reported as; unhealthy by default.</param>
    /// <param name="tags">For choosing checks.</param>
    public static IJobQueueBuilder AddHealthCheck(this IJobQueueBuilder builder, string? name = null, HealthStatus? failureStatus = null, IEnumerable<string>? tags = null) => throw new NotImplementedException();
}
