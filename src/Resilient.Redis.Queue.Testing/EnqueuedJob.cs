namespace Resilient.Redis.Queue.Testing;

/// <summary>A job as its producer handed it in.</summary>
/// <typeparam name="TJob">Its type.</typeparam>
public sealed class EnqueuedJob<TJob>
{
    internal EnqueuedJob()
    {
    }

    /// <summary>Its id.</summary>
    public required JobId Id { get; init; }

    /// <summary>The queue that accepted it.</summary>
    public required string Queue { get; init; }

    /// <summary>The job, read back from its JSON: what does not survive that does not reach a handler either.</summary>
    public required TJob Job { get; init; }

    /// <summary>What travels along; empty for none.</summary>
    public required IReadOnlyDictionary<string, string> Headers { get; init; }

    /// <summary>How long it was to wait at least; zero for not at all.</summary>
    public required TimeSpan Delay { get; init; }

    /// <summary>The key that only one job may hold; null for none.</summary>
    public string? UniqueKey { get; init; }
}
