using System.Diagnostics.CodeAnalysis;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Resilient.Redis;
using Resilient.Redis.Queue;
using Resilient.Redis.Queue.Diagnostics;
using Resilient.Redis.Queue.Options;
using Resilient.Redis.Queue.Recurring;
using Resilient.Redis.Queue.Registration;
using Resilient.Redis.Queue.Worker;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds a queue, its handlers and its worker to a Redis connection.</summary>
public static class JobQueueBuilderExtensions
{
    /// <summary>Adds a queue: <see cref="IJobQueue"/> and <see cref="IJobQueueAdmin"/>, keyed by the queue's name, and unkeyed while there is one queue only.</summary>
    /// <param name="builder">The connection.</param>
    /// <param name="name">1 to 64 letters, digits, or any of <c>- _ . :</c></param>
    /// <param name="configure">The options; producers and workers of a queue should use the same.</param>
    /// <exception cref="ArgumentException">The name cannot be part of a key.</exception>
    /// <exception cref="InvalidOperationException">There is a queue of this name already.</exception>
    public static IJobQueueBuilder AddQueue(this IResilientRedisBuilder builder, string name, Action<JobQueueOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        if (!JobQueueOptionsValidator.IsKeyPart(name))
            throw new ArgumentException($"A queue's name has 1 to 64 letters, digits, or any of - _ . : and '{name}' has not.", nameof(name));
        var services = builder.Services;
        if (QueueRegistration.In(services).Any(other => other.Name == name))
            throw new InvalidOperationException($"Queue '{name}' is registered twice. Keep the builder that AddQueue returned and add to that.");

        var queue = new QueueRegistration(name, builder.Name, services);
        services.AddSingleton(queue);
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<QueueBackend, RedisBackend>();
        services.TryAddSingleton(static provider => new QueueMeter(provider.GetService<IMeterFactory>()));
        var options = services.AddOptions<JobQueueOptions>(name).ValidateOnStart();
        if (configure is not null)
            options.Configure(configure);
        services.AddSingleton<IValidateOptions<JobQueueOptions>>(new JobQueueOptionsValidator(name));

        services.TryAddKeyedSingleton(builder.Name, static (provider, _) => new DangerWatch(provider.GetRequiredService<TimeProvider>()));
        services.AddKeyedSingleton(name, (provider, _) => new QueueParts(queue, provider));
        services.AddKeyedSingleton<IJobQueue>(name, static (provider, key) => provider.GetRequiredKeyedService<QueueParts>(key).MakeQueue());
        services.AddKeyedSingleton<IJobQueueAdmin>(name, static (provider, key) => provider.GetRequiredKeyedService<QueueParts>(key).MakeAdmin());
        services.TryAddSingleton(static provider => provider.GetRequiredKeyedService<IJobQueue>(TheOnlyName(provider)));
        services.TryAddSingleton(static provider => provider.GetRequiredKeyedService<IJobQueueAdmin>(TheOnlyName(provider)));
        return queue;
    }

    /// <summary>Adds the handler of one type of job. It is made anew for each run, in a scope of its own.</summary>
    /// <param name="builder">The queue.</param>
    /// <param name="jobName">The wire name; by default that of <see cref="JobNameAttribute"/>, else the type's name.</param>
    /// <exception cref="InvalidOperationException">Another handler has this name already, or this job has another name.</exception>
    public static IJobQueueBuilder AddHandler<TJob, [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] THandler>(
        this IJobQueueBuilder builder, string? jobName = null)
        where THandler : class, IJobHandler<TJob>
    {
        var queue = QueueRegistration.Of(builder);
        queue.Handlers.Add<TJob, THandler>(queue.JobNames.Register<TJob>(jobName));
        queue.Services.TryAddScoped<THandler>();
        return builder;
    }

    /// <summary>Runs the queue's jobs in this process. A service that only produces leaves it out. Calling it again adds to the options.</summary>
    public static IJobQueueBuilder AddWorker(this IJobQueueBuilder builder, Action<JobWorkerOptions>? configure = null)
    {
        var queue = QueueRegistration.Of(builder);
        var services = queue.Services;
        var options = services.AddOptions<JobWorkerOptions>(queue.Name).ValidateOnStart();
        if (configure is not null)
            options.Configure(configure);
        if (queue.HasWorker)
            return builder;

        queue.HasWorker = true;
        services.TryAddSingleton(new AggressiveMemoryVariable(Environment.GetEnvironmentVariable));
        services.AddSingleton<IValidateOptions<JobWorkerOptions>>(provider => new JobWorkerOptionsValidator(
            queue.Name, provider.GetRequiredService<IOptionsMonitor<JobQueueOptions>>(), provider.GetRequiredService<AggressiveMemoryVariable>()));
        services.AddSingleton<IValidateOptions<JobWorkerOptions>>(provider => new AlsoServingValidator(queue, provider.GetServices<QueueRegistration>()));
        services.AddSingleton<IHostedService>(provider => new HostedWorker(() => MakeWorkers(provider, queue)));
        return builder;
    }

    /// <summary>Lets the worker of this queue run the jobs of another queue, too, in the same slots.</summary>
    /// <param name="builder">A queue with a worker: call <see cref="AddWorker"/> first.</param>
    /// <param name="queue">A queue of this process, added by <see cref="AddQueue"/> before or after, with handlers and without a worker of its own. It may be on another connection.</param>
    /// <param name="weight">
    /// 0 (default): its jobs are claimed only while the queues before it, in the order of the calls, have nothing ready. From 1 to 1,000: it
    /// stands beside the one before it, and they share the slots in proportion to their weights (<see cref="JobWorkerOptions.Weight"/> is that of the
    /// worker's own queue, 1 that of a queue with 0); a share that a queue does not need is used by the others.
    /// </param>
    /// <remarks>What runs is never stopped for another queue's job. All options of the worker hold for all its queues; <see cref="JobWorkerOptions.Prefetch"/> has to be 0.</remarks>
    /// <exception cref="InvalidOperationException">There is no worker, or it serves that queue already.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The weight.</exception>
    public static IJobQueueBuilder AlsoServing(this IJobQueueBuilder builder, string queue, int weight = 0)
    {
        ArgumentException.ThrowIfNullOrEmpty(queue);
        ArgumentOutOfRangeException.ThrowIfNegative(weight);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(weight, JobWorkerOptionsValidator.MaxWeight);
        var own = QueueRegistration.Of(builder);
        if (!own.HasWorker)
            throw new InvalidOperationException($"Queue '{own.Name}' has no worker that could also serve '{queue}': call AddWorker first.");
        if (queue == own.Name || own.AlsoServes.Any(other => other.Queue == queue))
            throw new InvalidOperationException($"The worker of queue '{own.Name}' serves '{queue}' already.");
        own.AlsoServes.Add((queue, weight));
        return builder;
    }

    /// <summary>Makes a job at each tick of a cron expression: one a tick, however many processes register it, by Redis's clock. The job has the id <c>{name}:{ms since 1970}</c>.</summary>
    /// <remarks>
    /// The processes that register it make its jobs; any worker runs them. A job that takes longer than the next tick runs beside the next one, unless its
    /// <see cref="EnqueueOptions.UniqueKey"/> leaves that tick out. <see cref="JobQueueOptions.MaxLength"/> does not hold ticks up.
    /// Of two definitions of one name, as in a deployment, the one whose process started last counts; another cron expression or zone begins anew, without missed ticks.
    /// </remarks>
    /// <param name="builder">The queue.</param>
    /// <param name="name">1 to 100 letters, digits, or any of <c>- _ . : /</c></param>
    /// <param name="cron">Five fields (minute, hour, day of month, month, day of week), or six with the second first.</param>
    /// <param name="job">The job, the same at each tick.</param>
    /// <param name="zone">The time zone of the expression; UTC by default. A time that daylight saving leaves out comes when it begins; one that it repeats comes once, intervals go on.</param>
    /// <param name="missed">What becomes of ticks that nobody was there for; one job for all of them by default.</param>
    /// <param name="options">How the jobs are enqueued, without an id and a time.</param>
    /// <exception cref="ArgumentException">The name, the expression or an option cannot be meant; the message says why.</exception>
    /// <exception cref="InvalidOperationException">The queue has a recurring job of this name already.</exception>
    public static IJobQueueBuilder AddRecurring<TJob>(
        this IJobQueueBuilder builder, string name, string cron, TJob job, TimeZoneInfo? zone = null, MissedTicks missed = MissedTicks.RunOnce, EnqueueOptions? options = null)
    {
        var queue = QueueRegistration.Of(builder);
        var definition = RecurringDefinition.Of(name, cron, job, zone, missed, options);
        if (queue.Recurring.Any(other => other.Name == name))
            throw new InvalidOperationException($"Queue '{queue.Name}' has two recurring jobs '{name}'. Give one of them another name.");
        if (queue.Recurring.Count == 0)
            queue.Services.AddSingleton<IHostedService>(provider => new RecurringService(() => MakeScheduler(provider, queue)));
        queue.Recurring.Add(definition);
        return builder;
    }

    /// <summary>
    /// Adds a health check: a failure when this process's worker has not claimed, settled or extended within one lease; degraded when the oldest ready
    /// job is older than <see cref="JobQueueOptions.ReadyAgeLimit"/>, when more jobs are dead than five minutes ago, or when a setting of Redis loses jobs.
    /// </summary>
    /// <remarks>It makes no call: the worker looks at the queue every ten seconds. A process that only produces is healthy, and knows nothing of the queue.</remarks>
    /// <param name="builder">The queue.</param>
    /// <param name="name">Default <c>queue:{name}</c>.</param>
    /// <param name="failureStatus">What a failure is reported as; unhealthy by default.</param>
    /// <param name="tags">For choosing checks.</param>
    public static IJobQueueBuilder AddHealthCheck(this IJobQueueBuilder builder, string? name = null, HealthStatus? failureStatus = null, IEnumerable<string>? tags = null)
    {
        var queue = QueueRegistration.Of(builder);
        queue.Services.AddHealthChecks().Add(new HealthCheckRegistration(
            name ?? $"queue:{queue.Name}",
            provider =>
            {
                var parts = provider.GetRequiredKeyedService<QueueParts>(queue.Name);
                return new JobQueueHealthCheck(queue.Name, queue.IsServed(provider), parts.Pulse, parts.Sampler, parts.Dangers, parts.Options.ReadyAgeLimit);
            },
            failureStatus,
            tags));
        return builder;
    }

    private static QueueWorker[] MakeWorkers(IServiceProvider provider, QueueRegistration queue)
    {
        var options = provider.GetRequiredService<IOptionsMonitor<JobWorkerOptions>>().Get(queue.Name);
        var budget = new SlotBudget(options.Concurrency, options.Prefetch, [options.Weight, .. queue.AlsoServes.Select(other => other.Weight)]);
        string[] names = [queue.Name, .. queue.AlsoServes.Select(other => other.Queue)];
        return [.. names.Zip(budget.Shares, (name, share) => MakeWorker(provider, name, options, share))];
    }

    private static QueueWorker MakeWorker(IServiceProvider provider, string queue, JobWorkerOptions options, SlotShare share)
    {
        var parts = provider.GetRequiredKeyedService<QueueParts>(queue);
        var handlers = parts.Queue.Handlers;
        var logger = (provider.GetService<ILoggerFactory>() ?? NullLoggerFactory.Instance).CreateLogger("Resilient.Redis.Queue.Worker");
        var runner = new JobRunner(
            provider.GetRequiredService<IServiceScopeFactory>(), handlers, parts.Serializer, parts.Options, parts.Telemetry, logger);
        var targets = new FollowUpTargets(
            name => provider.GetKeyedService<QueueParts>(name)?.Writer,
            name => provider.GetKeyedService<QueueParts>(name)?.Direct);
        return new QueueWorker(
            parts.Store, share, runner, handlers, parts.Serializer, targets, parts.Pulse, parts.Sampler, parts.Dangers, parts.Telemetry,
            parts.Options, options, options.AggressiveMemoryManagement ?? provider.GetRequiredService<AggressiveMemoryVariable>().Value,
            provider.GetRequiredService<QueueBackend>().LeaseClock, parts.Time, logger);
    }

    private static RecurringScheduler MakeScheduler(IServiceProvider provider, QueueRegistration queue)
    {
        var parts = provider.GetRequiredKeyedService<QueueParts>(queue.Name);
        var logger = (provider.GetService<ILoggerFactory>() ?? NullLoggerFactory.Instance).CreateLogger("Resilient.Redis.Queue.Recurring");
        RecurringEntry[] entries = [.. queue.Recurring.Select(definition => new RecurringEntry(definition, definition.Write(parts.Writer)))];
        return new RecurringScheduler(parts.Store, entries, parts.Time, logger);
    }

    private static string TheOnlyName(IServiceProvider provider)
    {
        string[] names = [.. provider.GetServices<QueueRegistration>().Select(queue => queue.Name)];
        return names.Length == 1
            ? names[0]
            : throw new InvalidOperationException(
                $"There are {names.Length} queues ({string.Join(", ", names)}): say which one, for example [FromKeyedServices(\"{names[0]}\")] IJobQueue.");
    }
}
