using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Resilient.Redis.Queue.Diagnostics;

/// <summary>The spans and measurements of one queue. Nobody listening costs a few reads and no memory.</summary>
/// <remarks>
/// No payload, no header and no connection text is ever a tag; a job's id only of a span. Claims, settlements and extensions have no span:
/// a worker makes them for ever, for many jobs at once and for none, so their spans would be noise; their durations are measured.
/// </remarks>
internal sealed class QueueTelemetry
{
    /// <summary>One for the process: the runtime tells spans apart by their source's name only.</summary>
    private static readonly ActivitySource s_source = new(JobQueueTelemetry.ActivitySourceName);

    private readonly QueueMeter _meter;
    private readonly Func<string, bool> _isKnown;
    private readonly Func<QueueCounts?> _sample;
    private readonly TimeProvider _time;
    private readonly TagList _tags;
    private readonly string _enqueue;
    private readonly string _process;

    /// <param name="meter">The host's.</param>
    /// <param name="queue">The queue's name.</param>
    /// <param name="isKnown">Whether a job's type has a handler here: the others are one value of a tag, whatever producers write.</param>
    /// <param name="sample">The last counts of this host's worker; null when there are none, or none that are fresh. Never waits.</param>
    /// <param name="time">Measures.</param>
    public QueueTelemetry(QueueMeter meter, string queue, Func<string, bool> isKnown, Func<QueueCounts?> sample, TimeProvider time)
    {
        (_meter, _isKnown, _sample, _time) = (meter, isKnown, sample, time);
        _tags = new TagList { { TelemetryNames.System, TelemetryNames.Redis }, { TelemetryNames.Destination, queue } };
        (_enqueue, _process) = ($"{TelemetryNames.Enqueue} {queue}", $"{TelemetryNames.Process} {queue}");
        meter.Observe(this);
    }

    /// <summary>The enqueue that is under way here, when it is recorded as a span.</summary>
    public static Activity? CurrentEnqueue =>
        Activity.Current is { Kind: ActivityKind.Producer } current && ReferenceEquals(current.Source, s_source) ? current : null;

    public bool ObservesEnqueue => s_source.HasListeners() || _meter.Sent.Enabled || _meter.Operations.Enabled;

    /// <param name="count">How many jobs; null for a call for one.</param>
    /// <param name="headers">The job's: a context of the caller's own is linked to.</param>
    public Activity? StartEnqueue(int? count, IReadOnlyDictionary<string, string>? headers)
    {
        if (!s_source.HasListeners())
            return null;
        var activity = s_source.StartActivity(_enqueue, ActivityKind.Producer, default(ActivityContext), For(TelemetryNames.Enqueue), TraceContext.LinkIn(headers));
        if (count is not null)
            activity?.SetTag(TelemetryNames.BatchCount, count);
        return activity;
    }

    public void Enqueued(Activity? activity, int count, long began, Exception? error)
    {
        var type = error is null ? null : TypeOf(error);
        if (type is not null)
            activity?.SetTag(TelemetryNames.ErrorType, type).SetStatus(ActivityStatusCode.Error, type);
        Called(TelemetryNames.Enqueue, _time.GetElapsedTime(began), error);
        // What was refused here, such as a job that is too large, has never been sent.
        if (_meter.Sent.Enabled && error is null or ResilientRedisException or JobQueueFullException or JobNotReplicatedException or OperationCanceledException)
            Guarded((this, count, type), static sent => sent.Item1._meter.Sent.Add(sent.count, With(sent.Item1.For(TelemetryNames.Enqueue), TelemetryNames.ErrorType, sent.type)));
    }

    /// <summary>The second attempt of an enqueue.</summary>
    public static void Retried(Exception failure) =>
        CurrentEnqueue?.AddEvent(new ActivityEvent(TelemetryNames.RetryEvent, tags: new ActivityTagsCollection { [TelemetryNames.ErrorType] = TypeOf(failure) }));

    /// <summary>One answered or failed call; <paramref name="operation"/> is one of <see cref="TelemetryNames"/>.</summary>
    public void Called(string operation, TimeSpan duration, Exception? error)
    {
        if (_meter.Operations.Enabled)
            Guarded(
                (this, operation, duration, error), static call => call.Item1._meter.Operations.Record(
                    call.duration.TotalSeconds, With(call.Item1.For(call.operation), TelemetryNames.ErrorType, call.error is null ? null : TypeOf(call.error))));
    }

    public void Delivered(int count)
    {
        if (count > 0 && _meter.Consumed.Enabled)
            Guarded((this, count), static delivery => delivery.Item1._meter.Consumed.Add(delivery.count, delivery.Item1.For(TelemetryNames.Claim)));
    }

    /// <summary>Begins a trace of its own, with a link to where the job was made: one rule, however long it has waited and however often it runs.</summary>
    /// <returns>Null while nobody listens.</returns>
    public ProcessSpan? StartProcess(JobId id, string jobType, int attempt, IReadOnlyDictionary<string, string> headers)
    {
        if (!s_source.HasListeners() && !_meter.Runs.Enabled)
            return null;

        Activity.Current = null; // else the run would be a child of whatever is current here
        var activity = StartProcess(headers);
        if (activity is { IsAllDataRequested: true })
            activity.SetTag(TelemetryNames.MessageId, id.Value).SetTag(TelemetryNames.JobType, jobType).SetTag(TelemetryNames.JobAttempt, attempt);
        return new ProcessSpan(this, activity, jobType, _time.GetTimestamp());
    }

    private Activity? StartProcess(IReadOnlyDictionary<string, string> headers)
    {
        try
        {
            return s_source.StartActivity(_process, ActivityKind.Consumer, default(ActivityContext), For(TelemetryNames.Process), TraceContext.LinkIn(headers));
        }
        catch (Exception) // As in Guarded.
        {
            return null;
        }
    }

    public void Ran(string jobType, long began, string? errorType)
    {
        if (_meter.Runs.Enabled)
            Guarded(
                (this, jobType, began, errorType), static run => run.Item1._meter.Runs.Record(
                    run.Item1._time.GetElapsedTime(run.began).TotalSeconds,
                    With(run.Item1.OfType(run.Item1.For(TelemetryNames.Process), run.jobType), TelemetryNames.ErrorType, run.errorType)));
    }

    public void LeaseLost(string jobType) => Count(_meter.LeasesLost, jobType);

    public void SettlementRefused(string jobType) => Count(_meter.SettlementsRefused, jobType);

    public void JobDead(string jobType) => Count(_meter.JobsDead, jobType);

    /// <summary>For the gauge: reads the last sample.</summary>
    public IEnumerable<Measurement<long>> CountJobs()
    {
        if (_sample() is not { } counts)
            return [];
        const string State = TelemetryNames.JobState;
        return
        [
            new(counts.Waiting, With(_tags, State, "waiting")), new(counts.Scheduled, With(_tags, State, "scheduled")),
            new(counts.Active, With(_tags, State, "active")), new(counts.Dead, With(_tags, State, "dead")),
        ];
    }

    /// <summary>As <see cref="CountJobs"/>; 0 when no job is ready, so that an alert ends by itself.</summary>
    public IEnumerable<Measurement<double>> TellOldestAge() =>
        _sample() is { } counts ? [new((counts.OldestReadyAge ?? TimeSpan.Zero).TotalSeconds, _tags)] : [];

    /// <summary>Redis's own word where there is one, such as OOM; few values, so that they may be a tag.</summary>
    public static string TypeOf(Exception error) => error switch
    {
        RedisRefusedException refused => refused.ErrorCode,
        OperationCanceledException => "CANCELED",
        _ => error.GetType().FullName ?? TelemetryNames.Other,
    };

    /// <summary>Listeners are the application's and run inside these calls: what they throw must not cost a lease, a settlement or an enqueue that was accepted.</summary>
    public static void Guarded<T>(T state, Action<T> tell)
    {
        try
        {
            tell(state);
        }
        catch (Exception) // Whatever it is, it is the listener's own; there is nobody here to tell, since telling is what failed.
        {
        }
    }

    private void Count(Counter<long> counter, string jobType)
    {
        if (counter.Enabled)
            Guarded((this, counter, jobType), static job => job.counter.Add(1, job.Item1.OfType(job.Item1._tags, job.jobType)));
    }

    private TagList For(string operation) => With(With(_tags, TelemetryNames.OperationName, operation), TelemetryNames.OperationType, TelemetryNames.TypeOf(operation));

    private TagList OfType(TagList tags, string jobType) => With(tags, TelemetryNames.JobType, _isKnown(jobType) ? jobType : TelemetryNames.Other);

    private static TagList With(TagList tags, string name, string? value)
    {
        if (value is not null)
            tags.Add(name, value);
        return tags;
    }
}
