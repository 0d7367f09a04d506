using Microsoft.Extensions.Logging;
using Resilient.Redis.Queue.Diagnostics;
using Resilient.Redis.Queue.Storage;

namespace Resilient.Redis.Queue.Worker;

/// <summary>Which of the claimed jobs run and which wait for a slot, and what has ended but is not settled yet.</summary>
internal sealed class JobSlots
{
    private const int MostInOneCall = 500;
    private const long MostBytesInOneCall = 16 * 1024 * 1024; // what ended during an outage must not make a call that Redis refuses

    private const int RunsInARow = 8;

    private readonly Lock _gate = new();
    private readonly Queue<RunningJob> _ready = new();
    private readonly HashSet<RunningJob> _running = [];
    private readonly List<(RunningJob Job, Settlement Settlement)> _ended = [];
    private readonly SlotShare _share;
    private readonly JobRunner _runner;
    private readonly LeaseKeeper _keeper;
    private readonly Func<RunningJob, Task<bool>> _announce;
    private readonly Canceller _canceller;
    private readonly AsyncSignal _signal;
    private readonly int _many;
    private readonly AsyncSignal _manyEnded;
    private readonly ILogger _logger;
    private bool _closed;

    /// <param name="share">How many may run, and who else wants to.</param>
    /// <param name="runner">Runs one.</param>
    /// <param name="keeper">Knows whether a lease is long enough to start on.</param>
    /// <param name="announce">Tells Redis that a suspect job is about to start; false when its lease is lost or the worker stops.</param>
    /// <param name="canceller">Fires tokens.</param>
    /// <param name="signal">Set when a slot is free or something has ended.</param>
    /// <param name="many">How much has to have ended to be worth a call beside one that is under way.</param>
    /// <param name="manyEnded">Set when so much has.</param>
    /// <param name="logger">The worker's.</param>
    public JobSlots(
        SlotShare share, JobRunner runner, LeaseKeeper keeper, Func<RunningJob, Task<bool>> announce, Canceller canceller, AsyncSignal signal,
        int many, AsyncSignal manyEnded, ILogger logger)
    {
        (_share, _runner, _keeper, _announce, _canceller, _signal, _many, _manyEnded, _logger) = (share, runner, keeper, announce, canceller, signal, many, manyEnded, logger);
        share.Attach(StartReady, signal.Set);
        keeper.Renewed = StartReady;
        keeper.Overran = Abandon;
    }

    /// <summary>How many handlers run.</summary>
    public int Running
    {
        get
        {
            lock (_gate)
                return _running.Count;
        }
    }

    /// <summary>How many jobs were handed back so far.</summary>
    public int HandedBack { get; private set; }

    /// <summary>Whether a job that has to be alone may be claimed: none is here (rule R17).</summary>
    public bool HasRoomForOneAlone
    {
        get
        {
            lock (_gate)
                return !_running.Concat(_ready).Any(job => job.Job.IsAlone);
        }
    }

    /// <summary>Nothing runs, waits, or is to be settled.</summary>
    public bool IsEmpty
    {
        get
        {
            lock (_gate)
                return _running.Count == 0 && _ready.Count == 0 && _ended.Count == 0;
        }
    }

    public void Accept(IReadOnlyList<RunningJob> jobs)
    {
        var returned = 0;
        lock (_gate)
        {
            foreach (var job in jobs)
                _ready.Enqueue(job);
            if (_closed)
                returned = ReturnReady();
        }

        _share.Dropped(returned);
        StartReady();
    }

    /// <summary>What has ended and is not settled: as much as one call can carry, at least one.</summary>
    public IReadOnlyList<(RunningJob Job, Settlement Settlement)> TakeEnded()
    {
        lock (_gate)
        {
            var (count, bytes) = (0, 0L);
            while (count < _ended.Count && count < MostInOneCall && (count == 0 || bytes < MostBytesInOneCall))
                bytes += _ended[count++].Settlement.Outcome is Outcome.Completed completed ? completed.Result.Length : 0;
            var ended = _ended.GetRange(0, count);
            _ended.RemoveRange(0, count);
            return ended;
        }
    }

    /// <summary>Waits until so much has ended that it is worth a call beside one that is under way. False on cancellation.</summary>
    public async Task<bool> ManyEndedAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            lock (_gate)
            {
                if (_ended.Count >= _many)
                    return true;
            }

            await _manyEnded.WaitAsync(Timeout.InfiniteTimeSpan, cancellationToken).ConfigureAwait(false);
        }

        return false;
    }

    /// <summary>Starts nothing more; what waits is handed back.</summary>
    public void Close()
    {
        int returned;
        lock (_gate)
        {
            _closed = true;
            returned = ReturnReady();
        }

        _share.Dropped(returned);
        _signal.Set();
    }

    /// <summary>Fires the tokens of all that still runs.</summary>
    public void StopRunning(StopReason reason)
    {
        lock (_gate)
        {
            foreach (var job in _running)
                _canceller.Post(job, reason);
        }
    }

    /// <summary>Hands back what would not stop. Its outcome, if one comes, counts no more.</summary>
    public void AbandonRunning()
    {
        int abandoned;
        lock (_gate)
        {
            foreach (var job in _running)
                End(job, Outcome.Returned.Instance);
            abandoned = _running.Count;
            _running.Clear();
        }

        _share.Ended(abandoned);
        _signal.Set();
    }

    /// <summary>How many; the caller tells its share, once it holds no lock.</summary>
    private int ReturnReady()
    {
        var returned = 0;
        for (; _ready.TryDequeue(out var job); returned++)
            End(job, Outcome.Returned.Instance);
        return returned;
    }

    /// <summary>Starts one job, whose run starts the next before it begins. All at once they would stand in the pool's queue before the replies that bring new ones.</summary>
    private void StartReady()
    {
        var lost = 0;
        lock (_gate)
        {
            if (_closed || _ready.Count == 0)
                return;
            var now = _keeper.Now;
            while (_ready.TryPeek(out var job))
            {
                var starts = !job.IsLost && _keeper.MayStart(job, now) && _share.TryStart();
                if (!starts && !job.IsLost)
                    break;
                _ready.Dequeue();
                if (starts)
                {
                    Start(job);
                    break;
                }

                lost++;
            }
        }

        _share.Dropped(lost);
    }

    private void Start(RunningJob job)
    {
        _running.Add(job);
        _ = Task.Run(() => RunAsync(job)); // its end is awaited through _running; RunAsync throws nothing
    }

    /// <summary>Runs one job after the other in the one slot: a job that follows costs no new task.</summary>
    private async Task RunAsync(RunningJob first)
    {
        var (job, count) = (first, 0);
        StartReady();
        while (true)
        {
            var outcome = await OutcomeAsync(job).ConfigureAwait(false);
            var next = End(job, outcome, out var hadSlot);
            job.Dispose();
            _signal.Set();
            if (next is null)
            {
                if (hadSlot)
                    _share.Ended();
                StartReady();
                return;
            }

            job = next;
            if (++count % RunsInARow == 0)
                await Task.Yield(); // replies and other work of the pool get their turn
        }
    }

    private async ValueTask<Outcome?> OutcomeAsync(RunningJob job)
    {
        try
        {
            return (!job.Job.IsAlone || await _announce(job).ConfigureAwait(false)) && TryStart(job)
                ? await _runner.RunAsync(job).ConfigureAwait(false)
                : job.IsLost ? null : Outcome.Returned.Instance;
        }
        catch (Exception error) // Whatever it is, for example a logger that throws: a slot and a lease must never leak.
        {
            Log.RunFailed(_logger, error, job.Queue, job.Id);
            return new Outcome.Failed(_runner.Pause(job.Attempt), ErrorText.Of(error));
        }
    }

    /// <summary>Ends a run, and takes the next job for its slot. None when the slot is not this run's any more, when there is no job that may start, or when other queues want slots too.</summary>
    private RunningJob? End(RunningJob job, Outcome? outcome, out bool hadSlot)
    {
        lock (_gate)
        {
            hadSlot = _running.Remove(job);
            End(job, outcome);
            if (!hadSlot || _closed || !_share.IsAlone || !_ready.TryPeek(out var next) || next.IsLost || !_keeper.MayStart(next, _keeper.Now))
                return null;
            _ready.Dequeue();
            _running.Add(next);
            _share.Followed();
            return next;
        }
    }

    /// <summary>Asked when a thread is there at last: on a starved pool that can be long after the decision to run, and much can have happened (rule R10).</summary>
    private bool TryStart(RunningJob job)
    {
        lock (_gate)
        {
            var now = _keeper.Now;
            if (job.HasEnded || job.StopReason != StopReason.None || !_keeper.MayStart(job, now))
                return false;
            job.Start(now);
            return true;
        }
    }

    /// <summary>The first end of a run counts; the lease is kept until its settlement has been answered.</summary>
    private void End(RunningJob job, Outcome? outcome)
    {
        if (!job.TryEnd())
            return;
        if (outcome is Outcome.Returned)
            HandedBack++;
        if (outcome is null)
            _keeper.Remove(job);
        else
            AddEnded(job, new Settlement(job.Job, outcome, job.Started));
    }

    private void AddEnded(RunningJob job, Settlement settlement)
    {
        _ended.Add((job, settlement));
        if (_ended.Count == _many)
            _manyEnded.Set();
    }

    /// <summary>Its time was up long ago and it does not stop: the attempt has failed, and the handler costs its slot until it returns (promise 7).</summary>
    private void Abandon(RunningJob job)
    {
        lock (_gate)
        {
            if (!_running.Contains(job) || !job.TryEnd())
                return;
            var error = $"The run took longer than its time-out of {job.Timeout} and its handler did not stop although its token had fired.";
            AddEnded(job, new Settlement(job.Lease, new Outcome.Failed(_runner.Pause(job.Attempt), error), Started: true));
        }

        Log.HandlerDoesNotStop(_logger, job.Queue, job.Id, job.Job.Name);
        _signal.Set();
    }
}
