using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Integration;

/// <summary>What a collector in memory gets of one host's instruments and of some queues' spans. It samples those only, so that tests beside it stay without traces.</summary>
internal sealed class HeardTelemetry : IDisposable
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(20);

    private static readonly string[] s_tags =
    [
        "messaging.system", "messaging.destination.name", "messaging.operation.name", "messaging.operation.type", "messaging.message.id",
        "messaging.batch.message_count", "error.type", "resilient.job.type", "resilient.job.state", "resilient.job.attempt",
    ];

    private readonly MeterListener _meters = new();
    private readonly ActivityListener _spans;

    public HeardTelemetry(IServiceProvider host, string[] queues, ActivitySamplingResult sampling = ActivitySamplingResult.AllDataAndRecorded)
    {
        var scope = host.GetRequiredService<IMeterFactory>();
        _meters.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == JobQueueTelemetry.MeterName && ReferenceEquals(instrument.Meter.Scope, scope))
                listener.EnableMeasurementEvents(instrument);
        };
        _meters.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Points.Enqueue(new(instrument.Name, value, tags.ToArray().ToDictionary())));
        _meters.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Points.Enqueue(new(instrument.Name, value, tags.ToArray().ToDictionary())));
        _meters.Start();
        _spans = new ActivityListener
        {
            ShouldListenTo = static source => source.Name == JobQueueTelemetry.ActivitySourceName,
            Sample = (ref ActivityCreationOptions<ActivityContext> span) =>
                queues.Contains(span.Tags?.FirstOrDefault(tag => tag.Key == "messaging.destination.name").Value) ? sampling : ActivitySamplingResult.None,
            ActivityStopped = span =>
            {
                if (queues.Contains(span.GetTagItem("messaging.destination.name")))
                    Spans.Enqueue(span);
            },
        };
        ActivitySource.AddActivityListener(_spans);
    }

    public ConcurrentQueue<Point> Points { get; } = [];

    public ConcurrentQueue<Activity> Spans { get; } = [];

    public void Collect() => _meters.RecordObservableInstruments();

    public IEnumerable<Point> Of(string name, string? tag = null, object? value = null) =>
        Points.Where(point => point.Name == name && (tag is null || Equals(point.Tags.GetValueOrDefault(tag), value)));

    public double Sum(string name, string? tag = null, object? value = null) => Of(name, tag, value).Sum(point => point.Value);

    public Task BecomesAsync(double wanted, string name, string? tag = null, object? value = null) =>
        Eventually.TrueAsync(() => Sum(name, tag, value) == wanted, s_soon, () => $"{name} is {Sum(name, tag, value)}, wanted {wanted}");

    /// <summary>The spans of this name, in the order of their ends, once there are as many.</summary>
    public async Task<Activity[]> SpansAsync(string name, int count)
    {
        await Eventually.TrueAsync(() => Spans.Count(span => span.DisplayName == name) >= count, s_soon, () => $"heard {string.Join(", ", Spans.Select(span => span.DisplayName))}, wanted {count} of {name}");
        return [.. Spans.Where(span => span.DisplayName == name)];
    }

    /// <summary>Only tags that the documentation names; no job's id in a metric; nothing secret in any.</summary>
    public void CheckTags(params string[] secrets)
    {
        Points.SelectMany(point => point.Tags.Keys).Should().BeSubsetOf(s_tags).And.NotContain("messaging.message.id");
        Spans.SelectMany(span => span.TagObjects.Select(tag => tag.Key)).Should().BeSubsetOf(s_tags);
        var all = string.Join('\n', Points.SelectMany(point => point.Tags.Values).Concat(Spans.SelectMany(Values)));
        foreach (var secret in secrets)
            all.Should().NotContain(secret);
    }

    public void Dispose()
    {
        _meters.Dispose();
        _spans.Dispose();
    }

    private static IEnumerable<object?> Values(Activity span) =>
        span.TagObjects.Select(tag => tag.Value)
            .Concat(span.Events.SelectMany(told => told.Tags.Select(tag => tag.Value)))
            .Concat(span.Baggage.Select(item => item.Value))
            .Append(span.DisplayName).Append(span.StatusDescription);

    internal sealed record Point(string Name, double Value, Dictionary<string, object?> Tags);
}
