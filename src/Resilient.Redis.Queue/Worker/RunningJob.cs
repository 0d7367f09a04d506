using System.Diagnostics;
using Resilient.Redis.Queue.Producing;
using Resilient.Redis.Queue.Storage;

namespace Resilient.Redis.Queue.Worker;

/// <summary>A claimed job, from the claim to its settlement: the context that its handler sees, and how long its lease can be believed.</summary>
internal sealed class RunningJob : JobContext, IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly string _queue;
    private readonly JobSerializer _serializer;
    private readonly int _maxResultBytes;
    private readonly TimeProvider _clock;
    private readonly Func<string, JobWriter> _writers;
    private readonly List<FollowUp> _followUps = [];
    private JobProgress? _reported;
    private string? _cancelReason;
    private volatile bool _lost;
    private int _stopReason;
    private long _stopRequestedAt;
    private int _ended;
    private long _sentAt;
    private long _startedAt;

    public RunningJob(ClaimedJob job, string queue, TimeSpan? timeout, JobSerializer serializer, int maxResultBytes, Func<string, JobWriter> writers, TimeProvider clock, long sentAt)
    {
        Job = job;
        _clock = clock;
        Timeout = job.Timeout > TimeSpan.Zero ? job.Timeout : timeout;
        _queue = queue;
        _serializer = serializer;
        _maxResultBytes = maxResultBytes;
        _writers = writers;
        _sentAt = sentAt;
    }

    public ClaimedJob Job { get; }

    public Lease Lease => Job.Lease;

    /// <summary>The longest run; null for none.</summary>
    public TimeSpan? Timeout { get; }

    public override string Queue => _queue;

    public override JobId Id => Job.Lease.Id;

    public override int Attempt => Job.Attempt;

    public override long FenceToken => Job.Lease.Token;

    public override IReadOnlyDictionary<string, string> Headers => ReadHeaders;

    public override StopReason StopReason => (StopReason)Volatile.Read(ref _stopReason);

    public CancellationToken Token => _stop.Token;

    public IReadOnlyDictionary<string, string> ReadHeaders { get; set; } = JobEnvelope.NoHeaders;

    /// <summary>The span of this run, to which its follow-ups are linked; null while nobody records it.</summary>
    public Activity? Span { get; set; }

    public ReadOnlyMemory<byte> Result { get; private set; }

    /// <summary>Clock of the lease; before sending the call that was answered, so never later than Redis's (rule R10).</summary>
    public long SentAt => Volatile.Read(ref _sentAt);

    /// <summary>When the handler was started; 0 before.</summary>
    public long StartedAt => Volatile.Read(ref _startedAt);

    public bool Started => StartedAt != 0;

    /// <summary>Redis has said that the lease is lost, whatever the run was told before.</summary>
    public bool IsLost => _lost;

    /// <summary>How long ago the run was first told to stop; zero while it has not been.</summary>
    public TimeSpan StoppingFor => Volatile.Read(ref _stopRequestedAt) is not 0 and var at ? _clock.GetElapsedTime(at) : TimeSpan.Zero;

    public bool HasEnded => Volatile.Read(ref _ended) != 0;

    public override string? CancelReason => Volatile.Read(ref _cancelReason);

    /// <summary>What its handler has reported and no extension has carried yet; null for nothing new.</summary>
    public JobProgress? Reported => Volatile.Read(ref _reported);

    public override void ReportProgress(double fraction, string? message = null) => Volatile.Write(ref _reported, new JobProgress(fraction, message));

    public override JobId EnqueueOnCompletion<TJob>(TJob job, EnqueueOptions? options = null, string? queue = null)
    {
        lock (_followUps)
        {
            // Made from this job's id: a run that is repeated makes the same ones.
            var asked = options?.Id is null ? (options ?? new()) with { Id = FollowUpId.Of(Id, _followUps.Count) } : options;
            var other = queue is null || queue == _queue ? "" : queue;
            var written = _writers(queue ?? _queue).Write(job, asked, Span);
            _followUps.Add(new FollowUp(written, other));
            return written.Id;
        }
    }

    public override void SetResult<T>(T result)
    {
        var json = _serializer.Write(result);
        if (json.Length > _maxResultBytes)
            throw new JobDeadException(
                $"The result has {json.Length:N0} bytes of JSON, and the most is {_maxResultBytes:N0}. Store big data elsewhere and return where, or raise JobQueueOptions.MaxPayloadBytes.");
        Result = json;
    }

    /// <summary>What is enqueued with the completion.</summary>
    public IReadOnlyList<FollowUp> TakeFollowUps()
    {
        lock (_followUps)
            return _followUps.Count == 0 ? [] : _followUps.ToArray();
    }

    /// <summary>An extension has carried it; a newer report stays.</summary>
    public void Told(JobProgress? progress) => Interlocked.CompareExchange(ref _reported, null, progress);

    /// <summary>Somebody asked to cancel the job.</summary>
    public void Cancelling(string reason) => Interlocked.CompareExchange(ref _cancelReason, reason, null);

    public void Renewed(long sentAt) => Volatile.Write(ref _sentAt, sentAt);

    /// <param name="now">On the clock of the lease.</param>
    public void Start(long now) => Volatile.Write(ref _startedAt, now);

    /// <summary>Says why the run has to stop, at once; the first reason stands. The token fires by <see cref="Cancel"/>.</summary>
    /// <returns>True for the first reason.</returns>
    public bool TryRequestStop(StopReason reason)
    {
        if (reason == StopReason.LeaseLost)
            _lost = true;
        if (Interlocked.CompareExchange(ref _stopReason, (int)reason, (int)StopReason.None) != (int)StopReason.None)
            return false;
        Volatile.Write(ref _stopRequestedAt, _clock.GetTimestamp());
        return true;
    }

    /// <summary>Fires the handler's token, and so runs its callbacks: never on a thread that must go on.</summary>
    public void Cancel() => _stop.Cancel();

    /// <summary>True for the first that ends the run: its outcome counts, a later one of a handler that would not stop does not.</summary>
    public bool TryEnd() => Interlocked.Exchange(ref _ended, 1) == 0;

    public void Dispose() => _stop.Dispose();
}
