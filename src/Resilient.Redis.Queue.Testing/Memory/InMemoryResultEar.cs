using Resilient.Redis.Queue.Storage;

namespace Resilient.Redis.Queue.Testing.Memory;

/// <summary>Hears of the ends of jobs in the same process.</summary>
internal sealed class InMemoryResultEar(Action close) : ResultEar
{
    private volatile bool _closed;

    public override bool Hears => !_closed;

    public override ValueTask DisposeAsync()
    {
        _closed = true;
        close();
        return default;
    }
}
