using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Resilient.Redis.Queue.Diagnostics;
using Resilient.Redis.Queue.Storage;
using StackExchange.Redis;

namespace Resilient.Redis.Queue.Worker;

/// <summary>Extends the leases of this worker's jobs, tells who has lost one, and ends runs that take too long.</summary>
/// <remarks>
/// Its thread is its own and its call is synchronous, on a connection of its own that is open before the thread starts: with
/// every thread of the pool blocked by handlers, nothing here waits for the pool. So there is no await in this file (rule R18).
/// </remarks>
internal sealed class LeaseKeeper : IDisposable
{
    private const int LeasesInOneCall = 500; // a script that takes long holds up everybody

    private static readonly TimeSpan s_coarseTick = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan s_fineTick = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_progressAfter = TimeSpan.FromMilliseconds(400);
    private static readonly TimeSpan s_longestStop = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<Lease, RunningJob> _held = new();
    private readonly AutoResetEvent _wake = new(false);
    private readonly string _queue;
    private readonly WorkerLine _line;
    private readonly WorkerSession _session;
    private readonly Canceller _canceller;
    private readonly WorkerPulse _pulse;
    private readonly QueueTelemetry _telemetry;
    private readonly JobWorkerOptions _options;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly Thread _thread;
    private long _leaseTicks;
    private long _beatAt;
    private bool _failing;
    private bool _asked;
    private volatile bool _stopped;

    public LeaseKeeper(
        string queue, WorkerLine line, WorkerSession session, Canceller canceller, WorkerPulse pulse, QueueTelemetry telemetry,
        TimeSpan lease, JobWorkerOptions options, TimeProvider clock, ILogger logger)
    {
        (_queue, _line, _session, _canceller, _pulse, _telemetry) = (queue, line, session, canceller, pulse, telemetry);
        (_leaseTicks, _options, _clock, _logger) = (lease.Ticks, options, clock, logger);
        _thread = new Thread(Run) { IsBackground = true, Name = "Resilient.Redis.Queue lease keeper" };
    }

    /// <summary>Called after leases were renewed, when what was too short to start on may start.</summary>
    public Action? Renewed { get; set; }

    /// <summary>Called when a handler did not stop although its time was up long ago.</summary>
    public Action<RunningJob>? Overran { get; set; }

    /// <summary>The queue's lease, which may differ from this worker's option (rule R9).</summary>
    public TimeSpan Lease
    {
        get => TimeSpan.FromTicks(Volatile.Read(ref _leaseTicks));
        set => Volatile.Write(ref _leaseTicks, value.Ticks);
    }

    public void Start() => _thread.Start();

    public void Add(IReadOnlyList<RunningJob> jobs)
    {
        if (jobs.Count == 0)
            return;
        // The first lease in a while: the next beat is due one interval after it was taken.
        var wasIdle = _held.IsEmpty;
        if (wasIdle)
            Volatile.Write(ref _beatAt, _clock.GetTimestamp());
        var isTimed = false;
        foreach (var job in jobs)
        {
            _held[job.Lease] = job;
            isTimed |= job.Timeout is not null;
        }

        // It looks more often where runs have a time-out. Else what is new can wait for the next tick: it is fresh.
        if (wasIdle || isTimed)
            _wake.Set();
    }

    /// <summary>Extends at the next tick: somebody wants to cancel one of the jobs. Called by the doorbell, on whatever thread.</summary>
    public void ExtendSoon() => Volatile.Write(ref _asked, true);

    public void Remove(RunningJob job) => _held.TryRemove(job.Lease, out _);

    /// <summary>Whether enough of the lease is left to start the handler: not after a stop of the process or a jump of the clock (rule R10).</summary>
    /// <param name="job">The job.</param>
    /// <param name="now">On the clock of the lease.</param>
    public bool MayStart(RunningJob job, long now) => _clock.GetElapsedTime(job.SentAt, now) < Lease * 0.4;

    /// <summary>The clock of the lease.</summary>
    public long Now => _clock.GetTimestamp();

    public void Dispose()
    {
        _stopped = true;
        _wake.Set();
        if (_thread.IsAlive && _thread != Thread.CurrentThread)
            _thread.Join(Lease / 4); // its call takes no longer; then it ends by itself
        if (!_thread.IsAlive)
            _wake.Dispose();
    }

    private void Run()
    {
        while (!_stopped)
        {
            try
            {
                Tick();
            }
            catch (Exception error) // The keeper's outermost loop: without it every lease of this worker would lapse.
            {
                Log.LeaseKeeperFailed(_logger, error, _queue);
            }

            _wake.WaitOne(_held.Any(held => held.Value.Timeout is not null) ? s_fineTick : s_coarseTick);
        }
    }

    /// <summary>One look at all leases. Internal for tests, which move the clock instead of waiting.</summary>
    internal void Tick()
    {
        Doubt();
        if (!_held.IsEmpty && (Volatile.Read(ref _asked) || IsDue(_clock.GetElapsedTime(Volatile.Read(ref _beatAt)))))
        {
            Extend();
            Volatile.Write(ref _beatAt, _clock.GetTimestamp());
        }

        Doubt();
        StopOverdue();
        _canceller.ReplaceWhenStuck();
    }

    private bool IsDue(TimeSpan sinceBeat)
    {
        if (_failing)
            return sinceBeat >= Lease / 20;
        return sinceBeat >= Lease / 5 || (sinceBeat >= s_progressAfter && _held.Any(held => held.Value.Reported is not null));
    }

    private void StopOverdue()
    {
        foreach (var (_, job) in _held)
        {
            if (job is not { Timeout: not null, Started: true, HasEnded: false })
                continue;
            if (_clock.GetElapsedTime(job.StartedAt) < job.Timeout!.Value)
                continue;
            // Counted from when it was told to stop: a process that was frozen past the time-out gives its handlers time to react, too.
            _canceller.Post(job, StopReason.TimedOut);
            if (job.StoppingFor > (Lease < s_longestStop ? Lease : s_longestStop))
                Overran?.Invoke(job);
        }
    }

    private void Extend()
    {
        Volatile.Write(ref _asked, false);
        foreach (var jobs in _held.Values.Where(job => !job.IsLost).Chunk(LeasesInOneCall))
        {
            var sentAt = _clock.GetTimestamp();
            ExtendReply reply;
            TimeSpan took;
            var reported = Array.ConvertAll(jobs, job => job.Reported);
            try
            {
                reply = _line.Extend(_session.Id, [.. jobs.Select((job, i) => new Extension(job.Lease, job.Started, reported[i]?.Write() ?? ""))]);
                took = _clock.GetElapsedTime(sentAt);
            }
            catch (Exception error) when (error is RedisException or TimeoutException or ObjectDisposedException)
            {
                // Once an outage. In doubt is not lost: what the handlers finish is sent all the same (rule R11).
                if (!_failing)
                    Log.LeasesNotExtended(_logger, _queue, _held.Count, error.GetType().Name);
                _failing = true;
                _telemetry.Called(TelemetryNames.Extend, _clock.GetElapsedTime(sentAt), error);
                return;
            }

            for (var i = 0; i < jobs.Length; i++)
            {
                jobs[i].Told(reported[i]);
                Apply(jobs[i], reply.Codes[i], sentAt);
            }

            foreach (var (index, reason) in reply.Cancelled)
            {
                jobs[index].Cancelling(reason);
                _canceller.Post(jobs[index], StopReason.CancelRequested);
            }

            _telemetry.Called(TelemetryNames.Extend, took, null);
        }

        if (_failing)
            Log.LeasesExtendedAgain(_logger, _queue, _held.Count);
        _failing = false;
        _pulse.Beat();
        Renewed?.Invoke();
    }

    private void Apply(RunningJob job, ReplyCode code, long sentAt)
    {
        if (code == ReplyCode.Accepted)
        {
            job.Renewed(sentAt);
            return;
        }

        // It may have been settled while the call was under way: then it was ours to the end, and the settlement's own reply tells.
        if (job.HasEnded || !_held.TryRemove(job.Lease, out _))
            return;
        Log.LeaseLost(_logger, job.Queue, job.Id, job.Attempt);
        _canceller.Post(job, StopReason.LeaseLost);
        _telemetry.LeaseLost(job.Job.Name);
    }

    /// <summary>The lease may be given away soon, for all that is known here; counted from before sending, less what queue time may skip (rule R10).</summary>
    private void Doubt()
    {
        if (!_options.StopInDoubt)
            return;
        foreach (var (_, job) in _held)
        {
            if (job is { Started: true, HasEnded: false } && Age(job) >= Lease * 0.65)
                _canceller.Post(job, StopReason.LeaseInDoubt);
        }
    }

    private TimeSpan Age(RunningJob job) => _clock.GetElapsedTime(job.SentAt);
}
