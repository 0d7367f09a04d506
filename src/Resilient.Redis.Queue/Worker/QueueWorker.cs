using System.Diagnostics;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Resilient.Redis.Queue.Diagnostics;
using Resilient.Redis.Queue.Storage;
using StackExchange.Redis;

namespace Resilient.Redis.Queue.Worker;

/// <summary>Hosts one queue's worker: opens its own connection, runs its loop, and at shutdown gives handlers their time and hands back the rest.</summary>
internal sealed class QueueWorker(
    JobStore store, SlotShare share, JobRunner runner, HandlerTable handlers, JobSerializer serializer, FollowUpTargets targets, WorkerPulse pulse, QueueSampler sampler, DangerWatch dangers,
    QueueTelemetry telemetry, JobQueueOptions queueOptions, JobWorkerOptions options, bool aggressiveMemory, TimeProvider clock, TimeProvider time, ILogger logger) : IHostedService, IAsyncDisposable
{
    private static readonly TimeSpan s_pauseAfterError = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_timeToReact = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_timeToSettle = TimeSpan.FromSeconds(3);

    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationTokenSource _giveUp = new();
    private readonly AsyncSignal _signal = new(time);
    private readonly MemoryKeeper _memory = new(aggressiveMemory, time);
    private volatile JobSlots? _slots;
    private Task _run = Task.CompletedTask;

    /// <summary>Starts in the background: an application starts although Redis is away.</summary>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        Log.WorkerStarted(logger, store.Queue, options.Concurrency, string.Join(", ", handlers.Names));
        if (!share.IsAlone)
            Log.SlotsShared(logger, store.Queue, share.Rank, share.Weight);
        share.MayHaveWork(); // before the next queue's loop begins
        _run = Task.Run(RunAsync, CancellationToken.None);
        return Task.CompletedTask;
    }

    /// <summary>Claims nothing more; lets handlers finish; then stops them, and hands back what is unfinished without spending an attempt.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        var handedBack = 0;
        if (_slots is { } slots)
        {
            Log.WorkerStops(logger, store.Queue, slots.Running, options.ShutdownGrace);
            slots.Close();
            if (!await EndsWithinAsync(options.ShutdownGrace, cancellationToken).ConfigureAwait(false))
            {
                slots.StopRunning(StopReason.Shutdown);
                await EndsWithinAsync(s_timeToReact, CancellationToken.None).ConfigureAwait(false);
                slots.AbandonRunning();
                if (!await EndsWithinAsync(s_timeToSettle, CancellationToken.None).ConfigureAwait(false))
                    Log.WorkerStoppedUnsettled(logger, store.Queue);
            }

            handedBack = slots.HandedBack;
        }

        await _giveUp.CancelAsync().ConfigureAwait(false);
        await _run.ConfigureAwait(false);
        Log.WorkerStopped(logger, store.Queue, handedBack);
    }

    public async ValueTask DisposeAsync()
    {
        // A host that was never stopped in order, as in a test: do not leave a thread behind.
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _giveUp.CancelAsync().ConfigureAwait(false);
        await _run.ConfigureAwait(false);
        _stopping.Dispose();
        _giveUp.Dispose();
    }

    private async Task RunAsync()
    {
        Activity.Current = null; // the worker outlives what started it: its calls are no part of that trace
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                await RunSessionAsync().ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
            {
                return;
            }
            catch (ObjectDisposedException disposed) when (disposed.ObjectName == typeof(ResilientRedis).FullName)
            {
                // A host that failed to start disposes its services without stopping them: there is nothing left to work with.
                Log.WorkerEnds(logger, store.Queue, disposed.ObjectName);
                return;
            }
            catch (Exception error) // The worker's outermost loop: whatever it is, the worker goes on, under a new session.
            {
                Log.WorkerFailed(logger, error, store.Queue, s_pauseAfterError);
                share.Leave();
                await _signal.WaitAsync(s_pauseAfterError, _stopping.Token).ConfigureAwait(false);
            }
        }
    }

    private async Task RunSessionAsync()
    {
        var session = new WorkerSession(options.Name);
        using var sessionEnds = new CancellationTokenSource();
        var beside = Task.CompletedTask;
        Action ring = _signal.Set;
        var line = await OpenLineInTimeAsync().ConfigureAwait(false);
        using var canceller = new Canceller(clock, logger);
        using var keeper = new LeaseKeeper(store.Queue, line, session, canceller, pulse, telemetry, queueOptions.Lease, options, clock, logger);
        try
        {
            var announcer = new StartAnnouncer(store, session, telemetry, time, _giveUp.Token, _stopping.Token);
            var slots = new JobSlots(share, runner, keeper, announcer.AnnounceAsync, canceller, _signal, options.CallBesideFrom, new AsyncSignal(time), logger);
            var courier = new OutboxCourier(store, targets, time, logger);
            var loop = new WorkerLoop(store, session, share, slots, keeper, pulse, telemetry, _signal, _memory, serializer, targets, courier, queueOptions, options, clock, logger);
            _slots = slots;
            ring = loop.Ring;
            beside = Task.WhenAll(courier.RunAsync(sessionEnds.Token), sampler.RunAsync(logger, sessionEnds.Token), dangers.RunAsync(store.Queue, line, logger, sessionEnds.Token));
            keeper.Start();
            await line.HearAsync(session.Id, Ring).ConfigureAwait(false);
            await loop.RunAsync(_stopping.Token, _giveUp.Token).ConfigureAwait(false);
        }
        catch when (!_stopping.IsCancellationRequested)
        {
            // This session is over, and so are its leases: what runs is told, and nothing more is started.
            _slots?.Close();
            _slots?.StopRunning(StopReason.LeaseLost);
            throw;
        }
        finally
        {
            share.Leave();
            await sessionEnds.CancelAsync().ConfigureAwait(false);
            await beside.ConfigureAwait(false);
            await line.DisposeAsync().ConfigureAwait(false);
        }

        void Ring(string bell)
        {
            if (bell == "cancel")
                keeper.ExtendSoon();
            else
                ring();
        }
    }

    /// <summary>Queues that share the slots wait for this one's first answer, so that their order holds from the start; but not for long.</summary>
    private async Task<WorkerLine> OpenLineInTimeAsync()
    {
        share.MayHaveWork();
        var late = time.CreateTimer(static share => ((SlotShare)share!).NoAnswer(), share, SlotShare.Patience, Timeout.InfiniteTimeSpan);
        await using (late.ConfigureAwait(false))
            return await OpenLineAsync().ConfigureAwait(false);
    }

    private async Task<WorkerLine> OpenLineAsync()
    {
        while (true)
        {
            try
            {
                return await store.OpenLineAsync(_stopping.Token).ConfigureAwait(false);
            }
            catch (Exception error) when (error is RedisException or ResilientRedisException or TimeoutException)
            {
                Log.WorkerCannotConnect(logger, error, store.Queue, s_pauseAfterError);
                await _signal.WaitAsync(s_pauseAfterError, _stopping.Token).ConfigureAwait(false);
                _stopping.Token.ThrowIfCancellationRequested();
            }
        }
    }

    private async Task<bool> EndsWithinAsync(TimeSpan longest, CancellationToken cancellationToken)
    {
        using var cancelled = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await Task.WhenAny(_run, Task.Delay(longest, time, cancelled.Token)).ConfigureAwait(false);
        await cancelled.CancelAsync().ConfigureAwait(false);
        return _run.IsCompleted;
    }
}
