using System.Diagnostics;
using Resilient.Redis.Queue.Diagnostics;
using Resilient.Redis.Queue.Producing;
using Resilient.Redis.Queue.Tests.Integration;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Faults;

/// <summary>What producers tell through a bad connection, what two of them in one process tell, and what it costs when nobody listens.</summary>
[Collection(nameof(TelemetryTests))]
public sealed class EnqueueTelemetryTests : IAsyncLifetime
{
    private const string Secret = "se-cr-et";

    private readonly string _queue = "q" + Guid.NewGuid().ToString("N")[..8];
    private TestServer _server = null!;
    private FaultProxy _proxy = null!;

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _proxy = FaultProxy.Start(_server);
    }

    public async Task DisposeAsync()
    {
        await _proxy.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task One_span_spans_both_attempts_and_an_outage_is_told()
    {
        await using var host = await QueueHost.StartAsync($"{_proxy.Endpoint},name={Secret}", name: _queue, redis: o => (o.AttemptTimeout, o.TotalTimeout) = (TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(3)));
        using var heard = new HeardTelemetry(host.Services, [_queue]);
        await host.Queue.EnqueueAsync(new DoJob("warm"));

        // The reply is lost; the second attempt finds the job. A PING's reply may meet the cut before the enqueue's does: then once more.
        var sent = 1;
        Activity? retried = null;
        await Eventually.TrueAsync(
            async () =>
            {
                _proxy.CutAfterReplyBytes(0);
                var (id, _) = await host.Queue.EnqueueAsync(new DoJob("x"));
                sent++;
                retried = (await heard.SpansAsync($"enqueue {_queue}", sent)).Single(span => Equals(span.GetTagItem("messaging.message.id"), id.Value));
                return retried.Events.Any();
            },
            TimeSpan.FromSeconds(30));

        retried!.Status.Should().Be(ActivityStatusCode.Unset);
        retried.Events.Should().ContainSingle(told => told.Name == "retry").Which.Tags.Should().Contain(new KeyValuePair<string, object?>("error.type", "Resilient.Redis.RedisUnavailableException"));
        heard.Spans.Should().HaveCount(sent, "both attempts are one span");
        heard.Sum(TelemetryNames.SentMessages).Should().Be(sent);

        await _server.KillAsync();
        var failed = JobId.New();
        await FluentActions.Awaiting(() => host.Queue.EnqueueAsync(new DoJob("y"), new() { Id = failed }).AsTask()).Should().ThrowAsync<RedisUnavailableException>();

        var outage = (await heard.SpansAsync($"enqueue {_queue}", sent + 1))[sent];
        outage.Status.Should().Be(ActivityStatusCode.Error);
        outage.GetTagItem("error.type").Should().Be("Resilient.Redis.RedisUnavailableException");
        outage.GetTagItem("messaging.message.id").Should().Be(failed.Value);
        heard.Sum(TelemetryNames.SentMessages, "error.type", "Resilient.Redis.RedisUnavailableException").Should().Be(1);
        heard.Of(TelemetryNames.OperationDuration, "error.type", "Resilient.Redis.RedisUnavailableException").Should().ContainSingle();
        heard.CheckTags(Secret);
    }

    [Fact]
    public async Task Job_that_was_never_sent_is_not_counted_as_sent()
    {
        await using var host = await QueueHost.StartAsync(_server.Endpoint, name: _queue, options: o => o.MaxPayloadBytes = 1024);
        using var heard = new HeardTelemetry(host.Services, [_queue]);

        await FluentActions.Awaiting(() => host.Queue.EnqueueAsync(new DoJob(new string('x', 1025))).AsTask()).Should().ThrowAsync<JobTooLargeException>();
        (await host.Queue.EnqueueAsync(new DoJob(new string('x', 1000)))).Created.Should().BeTrue("a trace context makes no job too large");

        heard.Sum(TelemetryNames.SentMessages).Should().Be(1);
        (await heard.SpansAsync($"enqueue {_queue}", 2))[0].GetTagItem("error.type").Should().Be("Resilient.Redis.Queue.JobTooLargeException");
    }

    [Fact]
    public async Task Two_hosts_of_one_process_do_not_mix()
    {
        await using var one = await QueueHost.StartAsync(_server.Endpoint, name: _queue);
        await using var two = await QueueHost.StartAsync(_server.Endpoint, name: _queue);
        using var heardOne = new HeardTelemetry(one.Services, [_queue]);
        using var heardTwo = new HeardTelemetry(two.Services, [_queue]);

        for (var i = 0; i < 3; i++)
            await one.Queue.EnqueueAsync(new DoJob("x"));
        await two.Queue.EnqueueAsync(new DoJob("x"));

        heardOne.Sum(TelemetryNames.SentMessages).Should().Be(3);
        heardTwo.Sum(TelemetryNames.SentMessages).Should().Be(1);
    }

    [Fact]
    public async Task Nobody_listening_costs_an_enqueue_no_memory()
    {
        using var meter = new QueueMeter(null);
        var inner = new ReadyQueue();
        var queue = new ObservedQueue(inner, new QueueTelemetry(meter, _queue, _ => true, () => null, TimeProvider.System), TimeProvider.System);
        for (var i = 0; i < 100; i++)
            await queue.EnqueueAsync("warm");

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
            await queue.EnqueueAsync("job");

        (GC.GetAllocatedBytesForCurrentThread() - before).Should().Be(0);
    }

    /// <summary>Answers at once, without memory of its own.</summary>
    private sealed class ReadyQueue : IJobQueue
    {
        public string Name => "ready";

        public ValueTask<EnqueueResult> EnqueueAsync<TJob>(TJob job, EnqueueOptions? options = null, CancellationToken cancellationToken = default) => default;

        public ValueTask<IReadOnlyList<EnqueueResult>> EnqueueManyAsync<TJob>(IReadOnlyList<JobRequest<TJob>> jobs, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public ValueTask<CancelResult> CancelAsync(JobId id, string? reason = null, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public ValueTask<JobInfo?> GetAsync(JobId id, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public Task<TResult?> WaitForResultAsync<TResult>(JobId id, TimeSpan? timeout = null, CancellationToken cancellationToken = default) => throw new NotSupportedException();
    }
}
