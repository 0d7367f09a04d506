namespace Resilient.Redis.Queue.Storage;

/// <summary>Hears of the ends of jobs that a process waits for, until it is disposed.</summary>
internal abstract class ResultEar : IAsyncDisposable
{
    /// <summary>False when it hears nothing, now or for good: then one has to look.</summary>
    public abstract bool Hears { get; }

    public abstract ValueTask DisposeAsync();
}
