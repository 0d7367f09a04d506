using Microsoft.Extensions.Logging;
using Resilient.Redis.Queue.Diagnostics;
using Resilient.Redis.Queue.Producing;
using Resilient.Redis.Queue.Storage;

namespace Resilient.Redis.Queue.Worker;

/// <summary>The loop of one worker: settle what has ended and claim what comes next, in one call; sleep when there is neither.</summary>
/// <remarks>It owns the one lane of its session: one call is outstanding, and it is repeated as it is until it is answered (rule R12).</remarks>
internal sealed class WorkerLoop(
    JobStore store, WorkerSession session, SlotShare share, JobSlots slots, LeaseKeeper keeper, WorkerPulse pulse, QueueTelemetry telemetry, AsyncSignal signal, MemoryKeeper memory,
    JobSerializer serializer, FollowUpTargets targets, OutboxCourier courier, JobQueueOptions queueOptions, JobWorkerOptions options, TimeProvider clock, ILogger logger)
{
    private const int Lane = 0;

    private static readonly TimeSpan s_idlePoll = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_firstPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_longestPause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan s_refusedPause = TimeSpan.FromSeconds(5);

    private readonly Func<string, JobWriter> _writerOf = targets.WriterOf;
    private long _sequence;
    private bool _warnedOfLease;
    private bool _rung;
    private bool _look;
    private TimeSpan _sleep;

    /// <summary>The doorbell; on any thread.</summary>
    public void Ring()
    {
        Volatile.Write(ref _rung, true);
        signal.Set();
    }

    /// <param name="stopping">Claims nothing more; returns when all that was claimed is settled.</param>
    /// <param name="giveUp">Returns at once: what is not settled by now comes back when its lease has lapsed.</param>
    public async Task RunAsync(CancellationToken stopping, CancellationToken giveUp)
    {
        share.MayHaveWork();
        while (GoesOn(stopping, giveUp))
        {
            _look |= Interlocked.Exchange(ref _rung, false);
            var ended = slots.TakeEnded();
            if (ended.Count > 0 || _look)
                share.MayHaveWork();
            var want = stopping.IsCancellationRequested ? 0 : share.Take();
            // Without room a bell is answered all the same: the call passes it on to a worker that has room.
            if (ended.Count > 0 || want > 0 || (_look && !stopping.IsCancellationRequested))
                await WorkAsync(ended, want, stopping, giveUp).ConfigureAwait(false);
            else
                await SleepAsync(stopping, giveUp).ConfigureAwait(false);
            memory.ReleaseWhenDue();
        }
    }

    private bool GoesOn(CancellationToken stopping, CancellationToken giveUp)
    {
        signal.Reset(); // all that it has told by now is looked at after this
        return !giveUp.IsCancellationRequested && !(stopping.IsCancellationRequested && slots.IsEmpty);
    }

    private async Task WorkAsync(IReadOnlyList<(RunningJob Job, Settlement Settlement)> ended, int want, CancellationToken stopping, CancellationToken giveUp)
    {
        _look = false;
        var call = new WorkCall(++_sequence, want, slots.HasRoomForOneAlone, [.. ended.Select(end => end.Settlement)]);
        var (reply, sentAt) = await CallInTimeAsync(call, stopping, giveUp).ConfigureAwait(false);
        if (reply is null)
            return;

        // First what is owed to the jobs, then what is told of them: a log or a listener that throws must not cost a slot or a lease.
        var isFirst = pulse.Age is null;
        pulse.Beat();
        keeper.Lease = pulse.Lease = reply.Lease;
        share.Answered(reply.Jobs.Length, reply.More);
        foreach (var (job, _) in ended)
            keeper.Remove(job);
        var jobs = Array.ConvertAll(reply.Jobs, job => new RunningJob(job, store.Queue, options.JobTimeout, serializer, queueOptions.MaxPayloadBytes, _writerOf, clock, sentAt));
        keeper.Add(jobs);
        slots.Accept(jobs);
        _sleep = SleepAfter(reply);
        _look = reply.More && want == 0 && slots.IsEmpty;
        if (ended.Any(end => end.Settlement.Outcome is Outcome.Completed { FollowUps: { } followUps } && followUps.Any(followUp => followUp.Queue.Length > 0)))
            courier.DeliverSoon();

        if (isFirst)
            Log.WorkerInContact(logger, store.Queue);
        telemetry.Delivered(reply.Jobs.Length);
        WarnOfLease(reply.Lease);
        for (var i = 0; i < ended.Count; i++)
            Report(ended[i].Job, ended[i].Settlement.Outcome, reply.Settlements[i]);
    }

    /// <summary>Queues that share the slots go on without this one while its Redis is silent.</summary>
    private async Task<(WorkReply? Reply, long SentAt)> CallInTimeAsync(WorkCall call, CancellationToken stopping, CancellationToken giveUp)
    {
        if (share.IsAlone)
            return await CallAsync(call, stopping, giveUp).ConfigureAwait(false);

        var late = clock.CreateTimer(static share => ((SlotShare)share!).NoAnswer(), share, SlotShare.Patience, Timeout.InfiniteTimeSpan);
        await using (late.ConfigureAwait(false))
            return await CallAsync(call, stopping, giveUp).ConfigureAwait(false);
    }

    /// <summary>Sends one call until it is answered. Giving up on it ends the session.</summary>
    private async Task<(WorkReply? Reply, long SentAt)> CallAsync(WorkCall call, CancellationToken stopping, CancellationToken giveUp)
    {
        Exception? failure = null;
        for (var failures = 0; !giveUp.IsCancellationRequested; failures++)
        {
            var sentAt = clock.GetTimestamp();
            try
            {
                var reply = await store.WorkAsync(session.Id, Lane, call, giveUp).ConfigureAwait(false);
                telemetry.Called(NameOf(call), clock.GetElapsedTime(sentAt), null);
                if (failure is not null)
                    Log.WorkerGoesOn(logger, store.Queue, failures);
                return reply.Code == ReplyCode.Accepted
                    ? (reply, sentAt)
                    : throw new InvalidOperationException($"Queue '{store.Queue}': call {call.Sequence} of session {session} was answered {reply.Code}: another worker uses this session.");
            }
            catch (OperationCanceledException) when (giveUp.IsCancellationRequested)
            {
                break;
            }
            catch (Exception error) when (error is not OperationCanceledException and not ObjectDisposedException and not InvalidOperationException)
            {
                telemetry.Called(NameOf(call), clock.GetElapsedTime(sentAt), error);
                // Redis's failures, and whatever strategies the application has added to the pipeline. Once an outage: the connection tells its own story.
                if (failure?.GetType() != error.GetType())
                    Log.WorkerWaits(logger, store.Queue, error.Message);
                failure = error;
                share.NoAnswer();
                // A claim that fails must not hold up a shutdown: what it may have handed out comes back a lease later.
                if (stopping.IsCancellationRequested && call.Settlements.Count == 0)
                    break;
                var longest = error is RedisRefusedException ? s_refusedPause : s_longestPause;
                await signal.WaitAsync(Backoff.Delay(failures + 1, s_firstPause, longest, Random.Shared.NextDouble()), giveUp).ConfigureAwait(false);
            }
        }

        return default;
    }

    /// <summary>Until something ends, the doorbell rings, or the next look is due; without room until there is some.</summary>
    private async Task SleepAsync(CancellationToken stopping, CancellationToken giveUp)
    {
        var wake = stopping.IsCancellationRequested ? giveUp : stopping;
        var planned = share.IsEmpty;
        if (await signal.WaitAsync(planned ? _sleep : Poll(), wake).ConfigureAwait(false))
        {
            await Task.Yield(); // behind handlers that are about to end too: they are settled in the same call
            return;
        }

        // Where other queues have all slots, a planned look passes its turn on, and without a lease to extend only looks move this queue's time.
        share.MayHaveWork();
        _look = planned || slots.IsEmpty;
    }

    private TimeSpan SleepAfter(WorkReply reply)
    {
        var poll = Poll();
        return reply.UntilNext is { } next && next < poll ? next + TimeSpan.FromMilliseconds(1) : poll;
    }

    /// <summary>Never longer than queue time may skip (a quarter of the lease), jitter included (rule R8).</summary>
    private TimeSpan Poll()
    {
        var (asked, longest) = (options.IdlePoll ?? s_idlePoll, keeper.Lease / 5);
        return (asked < longest ? asked : longest) * (0.8 + 0.2 * Random.Shared.NextDouble());
    }

    private void WarnOfLease(TimeSpan stored)
    {
        if (stored == queueOptions.Lease || _warnedOfLease)
            return;
        _warnedOfLease = true;
        Log.LeaseDiffers(logger, store.Queue, queueOptions.Lease, stored);
    }

    private void Report(RunningJob job, Outcome outcome, SettlementReply reply)
    {
        if (reply.Code is ReplyCode.Lost or ReplyCode.Gone)
        {
            Log.SettlementRefused(logger, store.Queue, job.Id, job.Attempt, outcome.GetType().Name, reply.Code);
            telemetry.SettlementRefused(job.Job.Name);
        }
        else if (reply.State == JobState.Dead)
        {
            Log.JobDead(logger, store.Queue, job.Id, job.Job.Name, job.Attempt, Reason(outcome));
            telemetry.JobDead(job.Job.Name);
        }
        else
        {
            Log.JobSettled(logger, store.Queue, job.Id, job.Attempt, reply.State);
        }
    }

    private static string NameOf(WorkCall call) => call.Settlements.Count > 0 ? TelemetryNames.Settle : TelemetryNames.Claim;

    private static string Reason(Outcome outcome) => outcome switch
    {
        Outcome.Failed failed => ErrorText.FirstLine(failed.Error),
        Outcome.Unknown unknown => unknown.Error,
        Outcome.Dead dead => dead.Reason,
        _ => outcome.GetType().Name,
    };
}
