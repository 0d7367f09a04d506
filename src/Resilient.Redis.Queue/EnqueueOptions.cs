using Resilient.Redis.Queue.Producing;

namespace Resilient.Redis.Queue;

/// <summary>How one job is enqueued. What is null comes from <see cref="JobQueueOptions"/>.</summary>
public sealed record EnqueueOptions
{
    /// <summary>The caller's own id: enqueuing the same id again makes no second job. Made at random when null.</summary>
    public JobId? Id { get; init; }

    /// <summary>Wait at least this long, from when Redis accepts the job. Not together with <see cref="NotBefore"/>.</summary>
    public TimeSpan? Delay { get; init; }

    /// <summary>Run no earlier than this wall-clock time; turned into a delay by the local clock.</summary>
    public DateTimeOffset? NotBefore { get; init; }

    /// <summary>The most handler runs. Default <see cref="JobQueueOptions.MaxAttempts"/>; from 1 to 1,000.</summary>
    public int? MaxAttempts { get; init; }

    /// <summary>The longest time of one handler run. Default the worker's <see cref="JobWorkerOptions.JobTimeout"/>; more than zero.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>How long the job and its result are kept after it completed. Default <see cref="JobQueueOptions.ResultRetention"/>; zero or more.</summary>
    public TimeSpan? ResultRetention { get; init; }

    /// <summary>Short texts that travel with the job, for example a tenant or a trace context.</summary>
    public IReadOnlyDictionary<string, string>? Headers { get; init; }

    /// <summary>At most one job with this key is accepted until that one has ended, or for <see cref="UniqueFor"/>. 1 to 256 characters; none by default. <see cref="EnqueueResult.HeldBy"/> tells which job holds it.</summary>
    public string? UniqueKey { get; init; }

    /// <summary>Holds <see cref="UniqueKey"/> for exactly this long, by Redis's clock, whether the job has ended or not. More than zero, at most 365 d; until the job has ended by default.</summary>
    public TimeSpan? UniqueFor { get; init; }

    /// <summary>What all attempts of one call have in common (rule R15 of docs/protocol.md).</summary>
    internal EnqueueCall? Call { get; init; }
}
