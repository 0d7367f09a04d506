namespace Resilient.Redis.Queue.Worker;

/// <summary>Wakes one waiter; a signal that nobody waits for is kept for the next.</summary>
internal sealed class AsyncSignal(TimeProvider time)
{
    private readonly Lock _gate = new();
    private TaskCompletionSource<bool>? _waiter;
    private bool _set;

    public void Set()
    {
        lock (_gate)
        {
            // Kept where nobody waits any more: its waiter's time may be over at this very moment.
            _set = _waiter is null || !_waiter.TrySetResult(true);
            _waiter = null;
        }
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
        var waiter = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            if (_set)
            {
                _set = false;
                return true;
            }

            _waiter = waiter;
        }

        var timer = time.CreateTimer(GiveUp, waiter, longest, Timeout.InfiniteTimeSpan);
        await using (timer.ConfigureAwait(false))
        {
            using var stop = cancellationToken.UnsafeRegister(GiveUp, waiter);
            var signalled = await waiter.Task.ConfigureAwait(false);
            lock (_gate)
            {
                if (_waiter == waiter)
                    _waiter = null;
            }

            return signalled;
        }
    }

    private static void GiveUp(object? waiter) => ((TaskCompletionSource<bool>)waiter!).TrySetResult(false);
}
