using Microsoft.Extensions.Logging;
using Resilient.Redis.Queue.Diagnostics;
using Resilient.Redis.Queue.Storage;

namespace Resilient.Redis.Queue.Worker;

/// <summary>Looks at the queue's counts now and then while a worker runs, so that neither health nor a gauge ever waits for Redis.</summary>
internal sealed class QueueSampler(JobStore store, TimeProvider time)
{
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    /// <summary>How long the dead count as growing after one more has died: longer than most monitors sleep.</summary>
    public static readonly TimeSpan Growing = TimeSpan.FromMinutes(5);

    private readonly AsyncSignal _pause = new(time);
    private volatile QueueSample? _last;
    private long _deadGrewAt = long.MinValue;

    /// <summary>The last sample; null while there is none, as in a process without a worker.</summary>
    public QueueSample? Last => _last;

    /// <summary>How old the last sample is; null while there is none.</summary>
    public TimeSpan? Age => _last is { } last ? time.GetElapsedTime(last.TakenAt) : null;

    /// <summary>Whether more jobs than before were dead lately.</summary>
    public bool DeadGrow => Volatile.Read(ref _deadGrewAt) is var at && at != long.MinValue && time.GetElapsedTime(at) < Growing;

    /// <summary>Until the worker's session ends; throws nothing.</summary>
    public async Task RunAsync(ILogger logger, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await SampleAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error) // Whatever it is: the worker's loop tells of an outage, the last sample stands, and its age tells.
            {
                Log.NotSampled(logger, error, store.Queue);
            }

            // Jitter: a thousand workers that were started together need not all count at once.
            await _pause.WaitAsync(Interval * (1 + 0.2 * Random.Shared.NextDouble()), cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>One look. Internal for tests, which do not wait for the next.</summary>
    internal async Task SampleAsync(CancellationToken cancellationToken)
    {
        var counts = await store.CountAsync(cancellationToken).ConfigureAwait(false);
        var takenAt = time.GetTimestamp();
        if (_last is { } before && EverDead(counts) > EverDead(before.Counts))
            Volatile.Write(ref _deadGrewAt, takenAt);
        _last = new QueueSample(counts, takenAt);
    }

    /// <summary>With those that were trimmed meanwhile, so that a death at the limit is seen.</summary>
    private static long EverDead(QueueCounts counts) => counts.Dead + counts.TotalTrimmed;
}
