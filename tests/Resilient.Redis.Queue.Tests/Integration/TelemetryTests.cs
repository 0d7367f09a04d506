using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Resilient.Redis.Queue.Diagnostics;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Integration;

/// <summary>What a whole application tells of its jobs: spans, links and measurements.</summary>
[Collection(nameof(TelemetryTests))]
public sealed class TelemetryTests : IAsyncLifetime
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(20);

    private readonly string _queue = "q" + Guid.NewGuid().ToString("N")[..8];
    private readonly Script _script = new();
    private TestServer _server = null!;

    public async Task InitializeAsync() => _server = await TestServer.StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task Enqueue_run_and_completion_are_told_and_linked_across_the_queue()
    {
        using var starting = new Activity("what starts the application is no parent of its jobs").Start();
        await using var host = await StartAsync();
        using var heard = new HeardTelemetry(host.Services, [_queue]);
        IReadOnlyDictionary<string, string>? seen = null;
        Activity? current = null;
        _script.Do = (_, context, _) =>
        {
            (seen, current) = (context.Headers, Activity.Current);
            return Task.CompletedTask;
        };
        using var caller = new Activity("caller").Start();
        caller.ActivityTraceFlags = ActivityTraceFlags.Recorded;

        var (id, _) = await host.Queue.EnqueueAsync(new DoJob("private payload"), new() { Headers = new Dictionary<string, string> { ["tenant"] = "private header" } });

        var enqueue = (await heard.SpansAsync($"enqueue {_queue}", 1)).Should().ContainSingle().Which;
        enqueue.Kind.Should().Be(ActivityKind.Producer);
        enqueue.ParentSpanId.Should().Be(caller.SpanId);
        enqueue.Status.Should().Be(ActivityStatusCode.Unset);
        Tags(enqueue).Should().BeEquivalentTo(new Dictionary<string, object>
        {
            ["messaging.system"] = "redis",
            ["messaging.destination.name"] = _queue,
            ["messaging.operation.name"] = "enqueue",
            ["messaging.operation.type"] = "send",
            ["messaging.message.id"] = id.Value,
            ["resilient.job.type"] = "test.do",
        });
        var process = (await heard.SpansAsync($"process {_queue}", 1)).Should().ContainSingle().Which;
        process.Kind.Should().Be(ActivityKind.Consumer);
        process.ParentSpanId.Should().Be(default(ActivitySpanId));
        process.TraceId.Should().NotBe(enqueue.TraceId, "a job may run long after, and more than once: it is a trace of its own");
        process.Links.Should().ContainSingle().Which.Context.SpanId.Should().Be(enqueue.SpanId);
        Tags(process).Should().BeEquivalentTo(new Dictionary<string, object>
        {
            ["messaging.system"] = "redis",
            ["messaging.destination.name"] = _queue,
            ["messaging.operation.name"] = "process",
            ["messaging.operation.type"] = "process",
            ["messaging.message.id"] = id.Value,
            ["resilient.job.type"] = "test.do",
            ["resilient.job.attempt"] = 1,
        });
        current.Should().BeSameAs(process, "what a handler does is part of its run");
        seen.Should().Equal(new Dictionary<string, string> { ["tenant"] = "private header", ["traceparent"] = enqueue.Id! });

        await heard.BecomesAsync(1, TelemetryNames.SentMessages, "messaging.operation.name", "enqueue");
        await heard.BecomesAsync(1, TelemetryNames.ConsumedMessages, "messaging.operation.name", "claim");
        heard.Of(TelemetryNames.ProcessDuration).Should().ContainSingle().Which.Tags.Should().Contain("resilient.job.type", "test.do").And.NotContainKey("error.type");
        foreach (var (operation, type) in new[] { ("enqueue", "send"), ("claim", "receive"), ("settle", "settle") })
        {
            await Eventually.TrueAsync(() => heard.Of(TelemetryNames.OperationDuration, "messaging.operation.name", operation).Any(), s_soon, () => operation);
            heard.Of(TelemetryNames.OperationDuration, "messaging.operation.name", operation)
                .Should().OnlyContain(point => point.Value > 0 && Equals(point.Tags["messaging.operation.type"], type) && !point.Tags.ContainsKey("error.type"));
        }

        heard.CheckTags("private");
    }

    [Fact]
    public async Task Failed_attempts_and_death_are_told_by_the_type_of_their_error_only()
    {
        await using var host = await StartAsync(o => o.MaxAttempts = 2);
        using var heard = new HeardTelemetry(host.Services, [_queue]);
        _script.Do = (_, _, _) => throw new InvalidOperationException("private message");

        await host.Queue.EnqueueAsync(new DoJob("private payload"));

        var enqueue = (await heard.SpansAsync($"enqueue {_queue}", 1))[0];
        var runs = await heard.SpansAsync($"process {_queue}", 2);
        runs.Should().HaveCount(2).And.OnlyContain(run => run.Status == ActivityStatusCode.Error && run.Links.Single().Context.SpanId == enqueue.SpanId);
        runs.Select(run => run.GetTagItem("resilient.job.attempt")).Should().Equal(1, 2);
        runs.Select(run => run.GetTagItem("error.type")).Should().AllBeEquivalentTo("System.InvalidOperationException");
        runs.Select(run => run.TraceId).Should().OnlyHaveUniqueItems();
        await heard.BecomesAsync(1, TelemetryNames.JobsDead, "resilient.job.type", "test.do");
        heard.Of(TelemetryNames.ProcessDuration, "error.type", "System.InvalidOperationException").Should().HaveCount(2);
        heard.Sum(TelemetryNames.ConsumedMessages).Should().Be(2);
        heard.CheckTags("private");
    }

    [Fact]
    public async Task Lost_lease_and_the_refused_outcome_of_its_run_are_counted()
    {
        await using var host = await StartAsync(o => o.Lease = TimeSpan.FromSeconds(3));
        using var heard = new HeardTelemetry(host.Services, [_queue]);
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _script.Do = (_, _, _) => go.Task;
        await host.Queue.EnqueueAsync(new DoJob("x"));
        await Eventually.TrueAsync(() => _script.Runs.Count == 1, s_soon);

        await using var raw = await _server.ConnectAsync();
        await raw.GetDatabase().KeyDeleteAsync($"{{rrq:{_queue}}}:leases");

        await heard.BecomesAsync(1, TelemetryNames.LeasesLost, "resilient.job.type", "test.do");
        _script.Do = (_, _, _) => Task.CompletedTask;
        go.SetResult();
        await heard.BecomesAsync(1, TelemetryNames.SettlementsRefused, "resilient.job.type", "test.do");
        heard.Of(TelemetryNames.OperationDuration, "messaging.operation.name", "extend").Should().NotBeEmpty().And.NotContain(point => point.Tags.ContainsKey("messaging.operation.type"));
        heard.CheckTags();
    }

    [Fact]
    public async Task Run_that_was_told_to_stop_says_why()
    {
        await using var host = await StartAsync(o => o.MaxAttempts = 1);
        using var heard = new HeardTelemetry(host.Services, [_queue]);
        _script.Do = (_, _, token) => Task.Delay(Timeout.Infinite, token);

        await host.Queue.EnqueueAsync(new DoJob("long"), new() { Timeout = TimeSpan.FromMilliseconds(100) });

        (await heard.SpansAsync($"process {_queue}", 1))[0].GetTagItem("error.type").Should().Be("TimedOut");
    }

    [Fact]
    public async Task Many_jobs_are_one_span_to_which_all_runs_are_linked()
    {
        await using var host = await StartAsync();
        using var heard = new HeardTelemetry(host.Services, [_queue]);

        await host.Queue.EnqueueManyAsync(Enumerable.Range(0, 30).Select(i => new DoJob($"{i}")));

        var enqueue = (await heard.SpansAsync($"enqueue {_queue}", 1)).Should().ContainSingle().Which;
        enqueue.GetTagItem("messaging.batch.message_count").Should().Be(30);
        enqueue.GetTagItem("messaging.message.id").Should().BeNull();
        heard.Sum(TelemetryNames.SentMessages).Should().Be(30);
        (await heard.SpansAsync($"process {_queue}", 30)).Should().OnlyContain(run => run.Links.Single().Context.SpanId == enqueue.SpanId);
        await heard.BecomesAsync(30, TelemetryNames.ConsumedMessages);
        heard.CheckTags();
    }

    [Fact]
    public async Task Follow_ups_here_and_in_another_queue_are_linked_to_the_run_that_completed()
    {
        var other = _queue + "b";
        await using var host = await StartAsync(also: queue =>
            queue.Services.AddResilientRedis("other", o => o.ConnectionString = _server.Endpoint).AddQueue(other).AddHandler<DoJob, DoHandler>().AddWorker());
        using var heard = new HeardTelemetry(host.Services, [_queue, other]);
        _script.Do = (job, context, _) =>
        {
            if (job.What != "parent")
                return Task.CompletedTask;
            context.EnqueueOnCompletion(new DoJob("child"));
            context.EnqueueOnCompletion(new DoJob("abroad"), queue: other);
            return context.Attempt < 2 ? throw new InvalidOperationException("not yet") : Task.CompletedTask;
        };

        var (id, _) = await host.Services.GetRequiredKeyedService<IJobQueue>(_queue).EnqueueAsync(new DoJob("parent"));

        var here = await heard.SpansAsync($"process {_queue}", 3);
        var abroad = (await heard.SpansAsync($"process {other}", 1)).Single();
        var parent = here.Single(run => Equals(run.GetTagItem("messaging.message.id"), id.Value) && Equals(run.GetTagItem("resilient.job.attempt"), 2));
        var child = here.Single(run => !Equals(run.GetTagItem("messaging.message.id"), id.Value));
        child.Links.Single().Context.SpanId.Should().Be(parent.SpanId);
        abroad.Links.Single().Context.SpanId.Should().Be(parent.SpanId);
        new[] { parent, child, abroad }.Select(run => run.TraceId).Should().OnlyHaveUniqueItems();
        heard.CheckTags();
    }

    [Fact]
    public async Task Gauges_tell_what_the_worker_saw_last_and_nothing_where_there_is_none()
    {
        await using var producer = await QueueHost.StartAsync(_server.Endpoint, name: _queue);
        await producer.Queue.EnqueueAsync(new DoJob("later"), new() { Delay = TimeSpan.FromHours(1) });
        await producer.Queue.EnqueueAsync(new DoJob("stays"));
        await producer.Admin.PauseAsync();
        await using var worker = await StartAsync();
        using var heardThere = new HeardTelemetry(producer.Services, [_queue]);
        using var heard = new HeardTelemetry(worker.Services, [_queue]);

        await Eventually.TrueAsync(
            () =>
            {
                heard.Collect();
                return heard.Of(TelemetryNames.Jobs).Any();
            },
            s_soon);
        heardThere.Collect();

        heardThere.Points.Should().NotContain(point => point.Name == TelemetryNames.Jobs || point.Name == TelemetryNames.OldestAge, "its process has no worker");
        heard.Of(TelemetryNames.OldestAge).Should().NotBeEmpty().And.OnlyContain(point => point.Value > 0, "one job has been ready since before the worker started");
        heard.Of(TelemetryNames.Jobs).ToDictionary(point => point.Tags["resilient.job.state"]!, point => point.Value)
            .Should().BeEquivalentTo(new Dictionary<object, double> { ["waiting"] = 1, ["scheduled"] = 1, ["active"] = 0, ["dead"] = 0 });
        heard.CheckTags();
    }

    [Fact]
    public async Task Callers_own_trace_context_is_kept_and_linked_to()
    {
        const string Mine = "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01";
        await using var host = await StartAsync();
        using var heard = new HeardTelemetry(host.Services, [_queue]);
        IReadOnlyDictionary<string, string>? seen = null;
        _script.Do = (_, context, _) => Task.FromResult(seen = context.Headers);

        await host.Queue.EnqueueAsync(new DoJob("x"), new() { Headers = new Dictionary<string, string> { ["traceparent"] = Mine } });

        (await heard.SpansAsync($"process {_queue}", 1))[0].Links.Single().Context.SpanId.ToHexString().Should().Be("0123456789abcdef");
        (await heard.SpansAsync($"enqueue {_queue}", 1))[0].Links.Single().Context.SpanId.ToHexString().Should().Be("0123456789abcdef");
        seen.Should().Equal(new Dictionary<string, string> { ["traceparent"] = Mine });
    }

    [Theory]
    [InlineData(ActivitySamplingResult.None)]
    [InlineData(ActivitySamplingResult.PropagationData)]
    public async Task Trace_that_nobody_records_costs_no_header(ActivitySamplingResult sampling)
    {
        await using var host = await StartAsync();
        using var heard = new HeardTelemetry(host.Services, [_queue], sampling);
        var seen = new TaskCompletionSource<IReadOnlyDictionary<string, string>>(TaskCreationOptions.RunContinuationsAsynchronously);
        _script.Do = (_, context, _) => Task.FromResult(seen.TrySetResult(context.Headers));
        using var caller = new Activity("caller").Start();

        await host.Queue.EnqueueAsync(new DoJob("x"));

        (await seen.Task.WaitAsync(s_soon)).Should().BeEmpty();
    }

    private static Dictionary<string, object?> Tags(Activity span) => span.TagObjects.ToDictionary(tag => tag.Key, tag => tag.Value);

    private Task<QueueHost> StartAsync(Action<JobQueueOptions>? options = null, Action<IJobQueueBuilder>? also = null) => QueueHost.StartAsync(
        _server.Endpoint,
        queue =>
        {
            queue.Services.AddSingleton(_script);
            queue.AddHandler<DoJob, DoHandler>().AddWorker();
            also?.Invoke(queue);
        },
        o =>
        {
            o.BackoffBase = TimeSpan.FromMilliseconds(50);
            options?.Invoke(o);
        },
        name: _queue);
}
