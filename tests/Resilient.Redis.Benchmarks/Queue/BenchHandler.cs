using Resilient.Redis.Queue;

namespace Resilient.Redis.Benchmarks.Queue;

/// <summary>Does what the row says, and counts.</summary>
internal sealed class BenchHandler(Runs runs) : IJobHandler<BenchJob>
{
    public Task HandleAsync(BenchJob job, JobContext context, CancellationToken cancellationToken) => runs.RunAsync();
}

/// <summary>What all handlers of a process have in common.</summary>
/// <param name="work">What a handler does; null for nothing.</param>
internal sealed class Runs(Func<Task>? work)
{
    private TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _left = long.MaxValue;

    /// <summary>Ends when so many more handlers have run.</summary>
    public Task NextAsync(long count)
    {
        _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Volatile.Write(ref _left, count);
        return _reached.Task;
    }

    public async Task RunAsync()
    {
        if (work is not null)
            await work();
        if (Interlocked.Decrement(ref _left) == 0)
            _reached.TrySetResult();
    }
}
