namespace Resilient.Redis.Queue;

/// <summary>Jobs were accepted, and were not seen in time where <see cref="JobQueueOptions.ReplicaAcks"/> or <see cref="JobQueueOptions.RequireFsync"/> want them. They run all the same, unless Redis loses them.</summary>
/// <remarks>An exception, not a property of the result: who asks for this relies on it, and what nobody looks at would be relied on too. Enqueue the same ids again to wait once more; that makes no second job.</remarks>
public sealed class JobNotReplicatedException : Exception
{
    internal JobNotReplicatedException(string message, IReadOnlyList<EnqueueResult> results, int? replicas, Exception? inner) : base(message, inner)
    {
        Results = results;
        Replicas = replicas;
    }

    /// <summary>The answers for the jobs that were accepted. Of a call for many: up to and with those that were not seen in time; the ones after them were not sent.</summary>
    public IReadOnlyList<EnqueueResult> Results { get; }

    /// <summary>How many replicas have them; null when it is not known.</summary>
    public int? Replicas { get; }

    /// <summary>The same, with the answers of calls before it.</summary>
    internal JobNotReplicatedException After(IEnumerable<EnqueueResult> before) => new(Message, [.. before, .. Results], Replicas, InnerException);
}
