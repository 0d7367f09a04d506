using System.Runtime.ExceptionServices;
using Microsoft.Extensions.Logging;
using Resilient.Redis.Queue.Diagnostics;
using Resilient.Redis.Queue.Storage;

namespace Resilient.Redis.Queue.Worker;

/// <summary>Delivers follow-ups for other queues, whoever left them in this queue's outbox: enqueue there under the same id, then forget here (rule R22).</summary>
/// <remarks>
/// It may die or be cut off between the two: then the next one enqueues again, and the target knows the id. So the target
/// remembers what comes from an outbox for at least <see cref="s_remembered"/>, which is far longer than a queue is without any worker that lives.
/// </remarks>
internal sealed class OutboxCourier(JobStore store, FollowUpTargets targets, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan s_remembered = TimeSpan.FromDays(1);
    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(10);

    private readonly AsyncSignal _signal = new(time);
    private bool _failing;

    /// <summary>There is something new in the outbox.</summary>
    public void DeliverSoon() => _signal.Set();

    /// <summary>Until the session ends; throws nothing.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                while (await DeliverSomeAsync(cancellationToken).ConfigureAwait(false) > 0)
                {
                }

                _failing = false;
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                break;
            }
            catch (Exception error) // What is in the outbox stays there: whatever the error is, the next round tries again.
            {
                if (!_failing)
                    Log.OutboxWaits(logger, store.Queue, error.Message);
                _failing = true;
            }

            await _signal.WaitAsync(s_look, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>How many were delivered.</summary>
    internal async Task<int> DeliverSomeAsync(CancellationToken cancellationToken)
    {
        var entries = await store.ReadOutboxAsync(cancellationToken).ConfigureAwait(false);
        if (entries.Length == 0)
            return 0;

        var delivered = new List<JobId>();
        var now = await store.GetServerTimeAsync(cancellationToken).ConfigureAwait(false);
        ExceptionDispatchInfo? refusal = null;
        foreach (var entriesOfOne in entries.GroupBy(entry => entry.Queue))
        {
            try
            {
                foreach (var entry in entriesOfOne)
                {
                    if (await DeliverAsync(entry, now, cancellationToken).ConfigureAwait(false))
                        delivered.Add(entry.Job.Id);
                }
            }
            catch (Exception error) when (error is ResilientRedisException or JobQueueFullException or JobQueueDrainingException)
            {
                // That one takes nothing now; the others do.
                refusal ??= ExceptionDispatchInfo.Capture(error);
            }
        }

        if (delivered.Count > 0)
            await store.RemoveFromOutboxAsync(delivered, cancellationToken).ConfigureAwait(false);
        else
            refusal?.Throw();
        return delivered.Count;
    }

    private async Task<bool> DeliverAsync(OutboxEntry entry, long now, CancellationToken cancellationToken)
    {
        if (targets.QueueOf(entry.Queue) is not { } target)
        {
            Log.OutboxTargetUnknown(logger, store.Queue, entry.Job.Id, entry.Queue);
            return false;
        }

        var delay = TimeSpan.FromMilliseconds(Math.Max(0, entry.Due - now));
        var keep = entry.Job.Keep > s_remembered ? entry.Job.Keep : s_remembered;
        await target.DeliverAsync(entry.Job with { Delay = delay, Keep = keep }, cancellationToken).ConfigureAwait(false);
        return true;
    }
}
