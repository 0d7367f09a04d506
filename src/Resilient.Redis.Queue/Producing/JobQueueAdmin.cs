using Resilient.Redis.Queue.Storage;

namespace Resilient.Redis.Queue.Producing;

/// <summary>The operator's verbs.</summary>
internal sealed class JobQueueAdmin(string name, JobStore store) : IJobQueueAdmin
{
    public string Name => name;

    public ValueTask<QueueCounts> CountAsync(CancellationToken cancellationToken = default) => store.CountAsync(cancellationToken);
}
