using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Resilient.Redis.Queue.Diagnostics;

/// <summary>The instruments of all queues of one host. Made by its <see cref="IMeterFactory"/>, so that two hosts in one process do not mix.</summary>
internal sealed class QueueMeter : IDisposable
{
    /// <summary>The boundaries that the conventions advise for both histograms, in seconds.</summary>
    private static readonly double[] s_boundaries = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

    private readonly ConcurrentQueue<QueueTelemetry> _queues = new();
    private readonly Meter _meter;
    private readonly bool _ownsMeter;

    public QueueMeter(IMeterFactory? meters)
    {
        _ownsMeter = meters is null;
        _meter = meters?.Create(JobQueueTelemetry.MeterName) ?? new Meter(JobQueueTelemetry.MeterName);
        var advice = new InstrumentAdvice<double> { HistogramBucketBoundaries = s_boundaries };
        Sent = _meter.CreateCounter<long>(TelemetryNames.SentMessages, "{message}", "Jobs that producers tried to hand in.");
        Consumed = _meter.CreateCounter<long>(TelemetryNames.ConsumedMessages, "{message}", "Jobs that were delivered to workers, each time anew.");
        Operations = _meter.CreateHistogram(TelemetryNames.OperationDuration, "s", "How long a call of a producer or a worker took.", null, advice);
        Runs = _meter.CreateHistogram(TelemetryNames.ProcessDuration, "s", "How long a run of a handler took.", null, advice);
        LeasesLost = _meter.CreateCounter<long>(TelemetryNames.LeasesLost, "{lease}", "Leases that Redis says are lost.");
        SettlementsRefused = _meter.CreateCounter<long>(TelemetryNames.SettlementsRefused, "{settlement}", "Outcomes that were refused, since the worker did not hold the job any more.");
        JobsDead = _meter.CreateCounter<long>(TelemetryNames.JobsDead, "{job}", "Jobs whose last run made them dead.");
        _meter.CreateObservableGauge(TelemetryNames.Jobs, () => _queues.SelectMany(queue => queue.CountJobs()), "{job}", "Jobs in each state, as this host's worker last saw them.");
        _meter.CreateObservableGauge(TelemetryNames.OldestAge, () => _queues.SelectMany(queue => queue.TellOldestAge()), "s", "How long the next job has been ready, as this host's worker last saw it; 0 when none is ready.");
    }

    public Counter<long> Sent { get; }

    public Counter<long> Consumed { get; }

    public Histogram<double> Operations { get; }

    public Histogram<double> Runs { get; }

    public Counter<long> LeasesLost { get; }

    public Counter<long> SettlementsRefused { get; }

    public Counter<long> JobsDead { get; }

    /// <summary>The gauges tell of this queue, too.</summary>
    public void Observe(QueueTelemetry queue) => _queues.Enqueue(queue);

    public void Dispose()
    {
        if (_ownsMeter)
            _meter.Dispose();
    }
}
