using Microsoft.Extensions.Logging;
using Resilient.Redis.Queue.Diagnostics;
using Resilient.Redis.Queue.Producing;
using Resilient.Redis.Queue.Storage;

namespace Resilient.Redis.Queue.Worker;

/// <summary>The loop of one worker: settle what has ended and claim what comes next, in one call; sleep when there is neither.</summary>
/// <remarks>
/// Each lane of its session has one call outstanding, which is repeated as it is until it is answered (rule R12). There are two: where many
/// jobs end while a call is under way, a second one beside it lets Redis and this process work at the same time.
/// </remarks>
internal sealed class WorkerLoop(
    JobStore store, WorkerSession session, SlotShare share, JobSlots slots, LeaseKeeper keeper, WorkerPulse pulse, QueueTelemetry telemetry, AsyncSignal signal, MemoryKeeper memory,
    JobSerializer serializer, FollowUpTargets targets, OutboxCourier courier, JobQueueOptions queueOptions, JobWorkerOptions options, TimeProvider clock, ILogger logger)
{
    private static readonly TimeSpan s_idlePoll = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_firstPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_longestPause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan s_refusedPause = TimeSpan.FromSeconds(5);

    private readonly Func<string, JobWriter> _writerOf = targets.WriterOf;
    private readonly Lane _main = new(0, signal);
    private readonly Lane _beside = new(1, new AsyncSignal(clock)); // never set: the main lane's is for one waiter
    private volatile bool _isUnderWayBeside;
    private Lane? _teller; // which of them tells of an outage, that it is told once
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
        using var over = CancellationTokenSource.CreateLinkedTokenSource(giveUp);
        var beside = WorkBesideAsync(over, stopping);
        try
        {
            await WorkInTurnAsync(stopping, over.Token).ConfigureAwait(false);
        }
        finally
        {
            await over.CancelAsync().ConfigureAwait(false);
            await beside.ConfigureAwait(false);
        }
    }

    private async Task WorkInTurnAsync(CancellationToken stopping, CancellationToken giveUp)
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
                await WorkAsync(_main, ended, want, stopping, giveUp).ConfigureAwait(false);
            else
                await SleepAsync(stopping, giveUp).ConfigureAwait(false);
            memory.ReleaseWhenDue();
        }
    }

    private bool GoesOn(CancellationToken stopping, CancellationToken giveUp)
    {
        signal.Reset(); // all that it has told by now is looked at after this
        return !giveUp.IsCancellationRequested && !(stopping.IsCancellationRequested && slots.IsEmpty && !_isUnderWayBeside);
    }

    /// <summary>Many jobs that end while the main call is under way are settled by a call beside it.</summary>
    private async Task WorkBesideAsync(CancellationTokenSource over, CancellationToken stopping)
    {
        // One at a time are started in the order in which they were claimed; and queues that share the slots claim nothing ahead.
        if (!share.IsAlone || options.Concurrency == 1)
            return;
        try
        {
            while (await slots.ManyEndedAsync(over.Token).ConfigureAwait(false))
            {
                _isUnderWayBeside = true;
                if (slots.TakeEnded() is { Count: > 0 } ended)
                    await WorkAsync(_beside, ended, stopping.IsCancellationRequested ? 0 : share.Take(), stopping, over.Token).ConfigureAwait(false);
                _isUnderWayBeside = false;
                signal.Set();
            }
        }
        catch
        {
            await over.CancelAsync().ConfigureAwait(false); // the session is over, for the main call too
            throw;
        }
    }

    private async Task WorkAsync(Lane lane, IReadOnlyList<(RunningJob Job, Settlement Settlement)> ended, int want, CancellationToken stopping, CancellationToken giveUp)
    {
        // What has lapsed before is handed out one at a time to a process, so one lane asks for it (rule R17).
        var call = new WorkCall(++lane.Sequence, want, lane == _main && slots.HasRoomForOneAlone, [.. ended.Select(end => end.Settlement)]);
        if (lane == _main)
            _look = false;
        var (reply, sentAt) = await CallInTimeAsync(lane, call, stopping, giveUp).ConfigureAwait(false);
        if (reply is null)
            return;

        // First what is owed to the jobs, then what is told of them: a log or a listener that throws must not cost a slot or a lease.
        var isFirst = pulse.Age is null;
        pulse.Beat();
        keeper.Lease = pulse.Lease = reply.Lease;
        // Whether there is nothing more, the main call finds out: its answer may come first and be the newer one.
        share.Answered(want, reply.Jobs.Length, reply.More || lane != _main);
        foreach (var (job, _) in ended)
            keeper.Remove(job);
        var jobs = Array.ConvertAll(reply.Jobs, job => new RunningJob(job, store.Queue, options.JobTimeout, serializer, queueOptions.MaxPayloadBytes, _writerOf, clock, sentAt));
        keeper.Add(jobs);
        slots.Accept(jobs);
        if (lane == _main)
        {
            _sleep = SleepAfter(reply);
            _look = reply.More && want == 0 && slots.IsEmpty;
        }

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
    private async Task<(WorkReply? Reply, long SentAt)> CallInTimeAsync(Lane lane, WorkCall call, CancellationToken stopping, CancellationToken giveUp)
    {
        if (share.IsAlone)
            return await CallAsync(lane, call, stopping, giveUp).ConfigureAwait(false);

        var late = clock.CreateTimer(static share => ((SlotShare)share!).NoAnswer(), share, SlotShare.Patience, Timeout.InfiniteTimeSpan);
        await using (late.ConfigureAwait(false))
            return await CallAsync(lane, call, stopping, giveUp).ConfigureAwait(false);
    }

    /// <summary>Sends one call until it is answered. Giving up on it ends the session.</summary>
    private async Task<(WorkReply? Reply, long SentAt)> CallAsync(Lane lane, WorkCall call, CancellationToken stopping, CancellationToken giveUp)
    {
        Exception? failure = null;
        for (var failures = 0; !giveUp.IsCancellationRequested; failures++)
        {
            var sentAt = clock.GetTimestamp();
            try
            {
                var reply = await store.WorkAsync(session.Id, lane.Number, call, giveUp).ConfigureAwait(false);
                telemetry.Called(NameOf(call), clock.GetElapsedTime(sentAt), null);
                if (failure is not null && Interlocked.CompareExchange(ref _teller, null, lane) == lane)
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
                if (failure?.GetType() != error.GetType() && (Interlocked.CompareExchange(ref _teller, lane, null) ?? lane) == lane)
                    Log.WorkerWaits(logger, store.Queue, error.Message);
                failure = error;
                share.NoAnswer();
                // A claim that fails must not hold up a shutdown: what it may have handed out comes back a lease later.
                if (stopping.IsCancellationRequested && call.Settlements.Count == 0)
                    break;
                var longest = error is RedisRefusedException ? s_refusedPause : s_longestPause;
                await lane.Wake.WaitAsync(Backoff.Delay(failures + 1, s_firstPause, longest, Random.Shared.NextDouble()), giveUp).ConfigureAwait(false);
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

    /// <summary>Numbers its calls.</summary>
    /// <param name="number">Its own.</param>
    /// <param name="wake">Ends a pause between two attempts of a call.</param>
    private sealed class Lane(int number, AsyncSignal wake)
    {
        public int Number => number;

        public AsyncSignal Wake => wake;

        public long Sequence { get; set; }
    }
}
