using Microsoft.Extensions.DependencyInjection;
using Resilient.Redis.Queue.Recurring;
using Resilient.Redis.Queue.Storage;
using Resilient.Redis.Queue.Worker;

namespace Resilient.Redis.Queue.Registration;

/// <summary>What has been registered of one queue; the builder's own state.</summary>
internal sealed class QueueRegistration(string name, string connection, IServiceCollection services) : IJobQueueBuilder
{
    public string Name => name;

    /// <summary>The key of the Redis connection; empty for the default one.</summary>
    public string Connection => connection;

    public IServiceCollection Services => services;

    public JobNames JobNames { get; } = new();

    public HandlerTable Handlers { get; } = new();

    public List<RecurringDefinition> Recurring { get; } = [];

    public bool HasWorker { get; set; }

    /// <summary>What its worker serves beside it, in order: a queue, and its weight.</summary>
    public List<(string Queue, int Weight)> AlsoServes { get; } = [];

    /// <summary>Whether a worker of this process runs its jobs: its own or another queue's.</summary>
    public bool IsServed(IServiceProvider provider) =>
        HasWorker || provider.GetServices<QueueRegistration>().Any(other => other.AlsoServes.Any(served => served.Queue == Name));

    public static IEnumerable<QueueRegistration> In(IServiceCollection services) =>
        services.Select(service => service.IsKeyedService ? null : service.ImplementationInstance).OfType<QueueRegistration>();

    /// <summary>The registration behind a builder, whoever implements it.</summary>
    public static QueueRegistration Of(IJobQueueBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return In(builder.Services).FirstOrDefault(queue => queue.Name == builder.Name)
            ?? throw new InvalidOperationException($"Queue '{builder.Name}' is not registered in these services: call AddQueue first.");
    }
}
