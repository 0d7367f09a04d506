using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Integration;

/// <summary>The SDK of OpenTelemetry, set up as docs/telemetry.md says, picks up what the queue tells.</summary>
[Collection(nameof(TelemetryTests))]
public sealed class OpenTelemetryTests : IAsyncLifetime
{
    private readonly string _queue = "q" + Guid.NewGuid().ToString("N")[..8];
    private TestServer _server = null!;

    public async Task InitializeAsync() => _server = await TestServer.StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task Sdk_exports_linked_spans_and_metrics_with_the_advised_boundaries()
    {
        List<Activity> spans = [];
        List<Metric> metrics = [];
        await using var host = await QueueHost.StartAsync(
            _server.Endpoint,
            queue =>
            {
                queue.Services.AddSingleton(new Script());
                queue.AddHandler<DoJob, DoHandler>().AddWorker();
                queue.Services.AddOpenTelemetry()
                    .WithTracing(tracing => tracing.AddSource(JobQueueTelemetry.ActivitySourceName).SetSampler(new OnlyQueue(_queue)).AddInMemoryExporter(spans))
                    .WithMetrics(metering => metering.AddMeter(JobQueueTelemetry.MeterName).AddInMemoryExporter(metrics));
            },
            name: _queue);

        var (id, _) = await host.Queue.EnqueueAsync(new DoJob("x"));
        await host.Queue.WaitForResultAsync<string>(id, TimeSpan.FromSeconds(20));
        host.Services.GetRequiredService<TracerProvider>().ForceFlush();
        host.Services.GetRequiredService<MeterProvider>().ForceFlush();

        var enqueue = spans.Single(span => span.DisplayName == $"enqueue {_queue}");
        spans.Single(span => span.DisplayName == $"process {_queue}").Links.Single().Context.SpanId.Should().Be(enqueue.SpanId);
        metrics.Select(metric => metric.Name).Should().Contain(
            ["messaging.client.sent.messages", "messaging.client.consumed.messages", "messaging.client.operation.duration", "messaging.process.duration"]);
        Boundaries(metrics.First(metric => metric.Name == "messaging.process.duration")).Should().Equal(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10);
    }

    private static List<double> Boundaries(Metric metric)
    {
        var bounds = new List<double>();
        foreach (ref readonly var point in metric.GetMetricPoints())
        {
            foreach (var bucket in point.GetHistogramBuckets())
                bounds.Add(bucket.ExplicitBound);
            break;
        }

        return [.. bounds.Where(double.IsFinite)];
    }

    /// <summary>Spans are the process's, not the host's: others' tests beside this one stay without traces.</summary>
    private sealed class OnlyQueue(string queue) : Sampler
    {
        public override SamplingResult ShouldSample(in SamplingParameters samplingParameters) =>
            new(samplingParameters.Tags?.Any(tag => tag.Key == "messaging.destination.name" && Equals(tag.Value, queue)) == true ? SamplingDecision.RecordAndSample : SamplingDecision.Drop);
    }
}
