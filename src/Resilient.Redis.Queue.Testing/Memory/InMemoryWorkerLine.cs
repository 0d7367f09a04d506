using Resilient.Redis.Queue.Storage;

namespace Resilient.Redis.Queue.Testing.Memory;

/// <summary>A worker's way to a queue in the same process: plain calls, and a doorbell that is one too.</summary>
internal sealed class InMemoryWorkerLine(InMemoryJobStore store) : WorkerLine
{
    private string? _session;

    public override ExtendReply Extend(string session, Extension[] extensions) => store.Extend(session, extensions);

    public override Task HearAsync(string session, Action<string> heard)
    {
        _session = session;
        store.Hear(session, heard);
        return Task.CompletedTask;
    }

    public override ValueTask DisposeAsync()
    {
        if (_session is not null)
            store.Hear(_session, null);
        return default;
    }
}
