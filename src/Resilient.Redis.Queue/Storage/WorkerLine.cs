namespace Resilient.Redis.Queue.Storage;

/// <summary>A worker's own way to its queue: it extends leases without the thread pool, and hears the doorbell.</summary>
internal abstract class WorkerLine : IAsyncDisposable
{
    /// <summary>As <see cref="JobStore.ExtendAsync"/>, for at most 1,000 leases.</summary>
    /// <remarks>Synchronous on purpose: the lease keeper's own thread calls it (rule R18).</remarks>
    public abstract ExtendReply Extend(string session, Extension[] extensions);

    /// <summary>Calls <paramref name="heard"/> with each ring, on any thread. A ring may be lost: it only saves waiting.</summary>
    public abstract Task HearAsync(string session, Action<string> heard);

    /// <summary>How the server keeps what it is given.</summary>
    public virtual Task<ServerSettings> ReadSettingsAsync(CancellationToken cancellationToken) => Task.FromResult(ServerSettings.None);

    public abstract ValueTask DisposeAsync();
}
