using System.Diagnostics;

namespace Resilient.Redis.Peers.Children;

/// <summary>What all handlers of a contender do, and when they start.</summary>
/// <param name="work">What a handler does; null for nothing.</param>
internal sealed class Handler(Func<Task>? work)
{
    private TaskCompletionSource<long>? _nextStart;
    private long _firstStart;

    /// <summary>When the first handler started since <see cref="Rewind"/>.</summary>
    public long FirstStart => Volatile.Read(ref _firstStart);

    public void Rewind() => Volatile.Write(ref _firstStart, 0);

    /// <summary>Ends when the next handler starts, and tells when that was.</summary>
    public Task<long> NextStartAsync()
    {
        var next = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously);
        Volatile.Write(ref _nextStart, next);
        return next.Task;
    }

    public Task RunAsync()
    {
        if (FirstStart == 0)
            Interlocked.CompareExchange(ref _firstStart, Stopwatch.GetTimestamp(), 0);
        Volatile.Read(ref _nextStart)?.TrySetResult(Stopwatch.GetTimestamp());
        return work?.Invoke() ?? Task.CompletedTask;
    }
}
