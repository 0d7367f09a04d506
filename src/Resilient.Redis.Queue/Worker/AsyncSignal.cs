namespace Resilient.Redis.Queue.Worker;

/// <summary>Wakes one waiter; a signal that nobody waits for is kept for the next.</summary>
internal sealed class AsyncSignal(TimeProvider time)
{
    private readonly Lock _gate = new();
    private TaskCompletionSource? _waiter;
    private bool _set;

    public void Set()
    {
        TaskCompletionSource? waiter;
        lock (_gate)
        {
            (waiter, _waiter) = (_waiter, null);
            _set = waiter is null;
        }

        waiter?.TrySetResult();
    }

    /// <summary>Forgets a signal that was kept, before looking at all that it may have told.</summary>
    public void Reset()
    {
        lock (_gate)
            _set = false;
    }

    /// <summary>Returns on a signal, after <paramref name="longest"/>, or on cancellation; never throws for any of them. True on a signal.</summary>
    public async Task<bool> WaitAsync(TimeSpan longest, CancellationToken cancellationToken)
    {
        Task signalled;
        lock (_gate)
        {
            if (_set)
            {
                _set = false;
                return true;
            }

            _waiter = new(TaskCreationOptions.RunContinuationsAsynchronously);
            signalled = _waiter.Task;
        }

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await Task.WhenAny(signalled, Task.Delay(longest, time, stop.Token)).ConfigureAwait(false);
        await stop.CancelAsync().ConfigureAwait(false);
        lock (_gate)
        {
            // Nobody waits any more: the next signal is to be kept, not given to this one.
            if (_waiter?.Task == signalled)
                _waiter = null;
        }

        return signalled.IsCompleted;
    }
}
