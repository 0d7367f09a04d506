using System.Globalization;

namespace Resilient.Redis.Resilience;

/// <summary>How long work waits for a thread of the pool: the evidence when replies are there and nobody has time to read them.</summary>
/// <remarks>Measured from the watchdog's own thread with one empty work item at a time, so it costs nothing and needs no thread itself.</remarks>
internal sealed class ThreadPoolLag(TimeProvider time)
{
    private const int Kept = 32;

    /// <summary>Shorter waits are ordinary and not worth remembering.</summary>
    private static readonly TimeSpan s_noteworthy = TimeSpan.FromMilliseconds(50);

    private readonly Lock _lock = new();
    private readonly Queue<(long EndedAt, TimeSpan Lag)> _recent = new(Kept);
    private long _queuedAt;
    private bool _isQueued;

    /// <summary>How long the work item under way has waited until now; zero when none waits.</summary>
    public TimeSpan Now
    {
        get
        {
            lock (_lock)
                return _isQueued ? time.GetElapsedTime(_queuedAt) : TimeSpan.Zero;
        }
    }

    /// <summary>The longest wait that was under way within the last <paramref name="span"/>.</summary>
    public TimeSpan WorstWithin(TimeSpan span)
    {
        lock (_lock)
        {
            var worst = _isQueued ? time.GetElapsedTime(_queuedAt) : TimeSpan.Zero;
            foreach (var (endedAt, lag) in _recent)
            {
                if (lag > worst && time.GetElapsedTime(endedAt) <= span)
                    worst = lag;
            }

            return worst;
        }
    }

    /// <summary>What an operator needs to believe it.</summary>
    public static string Figures(TimeSpan lag)
    {
        ThreadPool.GetMaxThreads(out var most, out _);
        ThreadPool.GetAvailableThreads(out var free, out _);
        ThreadPool.GetMinThreads(out var least, out _);
        return string.Create(CultureInfo.InvariantCulture,
            $"a work item waited {lag.TotalSeconds:0.0##} s for a thread ({most - free} threads busy, {least} is the minimum, {ThreadPool.PendingWorkItemCount} items queued)");
    }

    public void Measure()
    {
        lock (_lock)
        {
            if (_isQueued)
                return;
            _isQueued = true;
            _queuedAt = time.GetTimestamp();
        }

        ThreadPool.UnsafeQueueUserWorkItem(static lag => lag.Ran(), this, preferLocal: false);
    }

    private void Ran()
    {
        lock (_lock)
        {
            _isQueued = false;
            var lag = time.GetElapsedTime(_queuedAt);
            if (lag < s_noteworthy)
                return;
            if (_recent.Count == Kept)
                _recent.Dequeue();
            _recent.Enqueue((time.GetTimestamp(), lag));
        }
    }
}
