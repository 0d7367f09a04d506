using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Resilient.Redis.Queue.Diagnostics;

namespace Resilient.Redis.Queue.Worker;

/// <summary>Fires handlers' tokens on a thread of its own, and on another when a handler's callback blocks that one (rule R18).</summary>
/// <remarks>Cancellation callbacks run inline on the thread that cancels. The lease keeper only posts here, so no callback can cost a lease.</remarks>
internal sealed class Canceller(TimeProvider clock, ILogger logger) : IDisposable
{
    private static readonly TimeSpan s_stuckAfter = TimeSpan.FromSeconds(1);

    private readonly BlockingCollection<RunningJob> _posted = [];
    private readonly Lock _gate = new();
    private RunningJob? _current;
    private long _since;
    private int _threads;

    /// <summary>Returns at once; the token fires soon, unless the run was told to stop before.</summary>
    public void Post(RunningJob job, StopReason reason)
    {
        if (_posted.IsAddingCompleted || !job.TryRequestStop(reason))
            return;
        _posted.Add(job);
        lock (_gate)
        {
            if (_threads == 0)
                StartThread();
        }
    }

    /// <summary>Called by the lease keeper's ticks: a thread that is held up by one job's callback is left to it.</summary>
    public void ReplaceWhenStuck()
    {
        RunningJob stuck;
        lock (_gate)
        {
            if (_current is null || clock.GetElapsedTime(_since) < s_stuckAfter)
                return;
            stuck = _current;
            _current = null;
            StartThread();
        }

        Log.CancellationBlocked(logger, stuck.Queue, stuck.Id, stuck.Job.Name);
    }

    public void Dispose() => _posted.CompleteAdding();

    private void StartThread()
    {
        var number = ++_threads;
        new Thread(() => Run(number)) { IsBackground = true, Name = "Resilient.Redis.Queue canceller" }.Start();
    }

    private void Run(int number)
    {
        foreach (var job in _posted.GetConsumingEnumerable())
        {
            lock (_gate)
            {
                _current = job;
                _since = clock.GetTimestamp();
            }

            try
            {
                job.Cancel();
            }
            catch (Exception error) when (error is AggregateException or ObjectDisposedException)
            {
                // A callback of the handler's threw, or its run has ended meanwhile: neither is this thread's business.
                Log.CancellationFailed(logger, error, job.Queue, job.Id);
            }

            lock (_gate)
            {
                // Replaced while it was stuck: its successor does the rest.
                if (number != _threads)
                    return;
                _current = null;
            }
        }
    }
}
