using Microsoft.Extensions.Time.Testing;
using StackExchange.Redis;

namespace Resilient.Redis.Queue.Tests.Unit;

/// <summary>The decorator alone, between a queue and a connection that do what the test says.</summary>
public sealed class SafeQueueTests
{
    private readonly List<string> _story = [];
    private readonly FakeTimeProvider _time = new();
    private readonly ScriptedQueue _inner;
    private readonly SafeQueue _queue;

    public SafeQueueTests()
    {
        _inner = new ScriptedQueue(_story);
        _queue = new SafeQueue(_inner, new ScriptedRedis(_story), _time);
    }

    [Fact]
    public async Task Success_at_once_is_one_attempt_without_a_ping()
    {
        var result = await _queue.EnqueueAsync("job");

        result.Created.Should().BeTrue();
        _story.Should().Equal("enqueue");
    }

    [Fact]
    public async Task Failure_of_the_connection_is_pinged_and_tried_once_more_under_the_same_id_and_validity()
    {
        _inner.Answers.Enqueue(() => throw Unavailable("first", mayHaveExecuted: true));

        await _queue.EnqueueAsync("job");

        _story.Should().Equal("enqueue", "replace dead", "enqueue");
        _inner.Ids.Distinct().Should().ContainSingle();
        _inner.Calls.Distinct().Should().ContainSingle();
    }

    [Fact]
    public async Task Many_are_tried_once_more_under_the_same_ids_and_each_thousand_for_itself()
    {
        _inner.Answers.Enqueue(() => default);
        _inner.Answers.Enqueue(() => throw Unavailable("first", mayHaveExecuted: true));

        var results = await _queue.EnqueueManyAsync(Enumerable.Range(0, 1500).Select(i => $"job {i}"));

        _story.Should().Equal("enqueue 1000", "enqueue 500", "replace dead", "enqueue 500");
        _inner.Ids.Skip(1000).Take(500).Should().Equal(_inner.Ids.Skip(1500));
        _inner.Calls.Distinct().Should().HaveCount(2);
        results.Select(result => (JobId?)result.Id).Should().Equal(_inner.Ids.Take(1500)).And.OnlyHaveUniqueItems();
    }

    [Fact]
    public async Task Callers_own_id_is_kept()
    {
        await _queue.EnqueueAsync("job", new() { Id = new JobId("mine") });

        _inner.Ids.Should().Equal(new JobId("mine"));
    }

    [Fact]
    public async Task Second_failure_is_thrown_with_the_first_inside()
    {
        var first = Unavailable("first", mayHaveExecuted: true);
        _inner.Answers.Enqueue(() => throw first);
        _inner.Answers.Enqueue(() => throw Unavailable("second", mayHaveExecuted: false));

        var thrown = await FluentActions.Awaiting(() => _queue.EnqueueAsync("job").AsTask()).Should().ThrowAsync<RedisUnavailableException>();

        thrown.Which.Message.Should().Contain("second");
        thrown.Which.Message.Should().Contain("the first may have stored the job", "the second speaks only of itself");
        thrown.Which.InnerException.Should().BeSameAs(first);
        thrown.Which.MayHaveExecuted.Should().BeTrue("the first attempt may have been applied");
        _story.Should().Equal("enqueue", "replace dead", "enqueue");
    }

    [Fact]
    public async Task Refusal_of_the_second_attempt_is_thrown_with_the_first_inside()
    {
        var first = Unavailable("first", mayHaveExecuted: false);
        _inner.Answers.Enqueue(() => throw first);
        _inner.Answers.Enqueue(() => throw new RedisRefusedException("full", "OOM", isTransient: true));

        var thrown = await FluentActions.Awaiting(() => _queue.EnqueueAsync("job").AsTask()).Should().ThrowAsync<RedisRefusedException>();

        thrown.Which.ErrorCode.Should().Be("OOM");
        thrown.Which.InnerException.Should().BeSameAs(first);
    }

    [Fact]
    public async Task Full_queue_at_the_second_attempt_says_nothing_of_the_first_that_may_still_arrive()
    {
        var first = Unavailable("first", mayHaveExecuted: true);
        _inner.Answers.Enqueue(() => throw first);
        _inner.Answers.Enqueue(() => throw new JobQueueFullException("too many"));

        var thrown = await FluentActions.Awaiting(() => _queue.EnqueueAsync("job").AsTask()).Should().ThrowAsync<JobQueueFullException>();

        thrown.Which.Message.Should().Contain("too many").And.Contain("the first may have stored the job");
        thrown.Which.InnerException.Should().BeSameAs(first);
    }

    [Theory, MemberData(nameof(Hopeless))]
    public async Task What_a_retry_cannot_mend_is_thrown_at_once(Exception hopeless)
    {
        _inner.Answers.Enqueue(() => throw hopeless);

        var thrown = await FluentActions.Awaiting(() => _queue.EnqueueAsync("job").AsTask()).Should().ThrowAsync<Exception>();

        thrown.Which.Should().BeSameAs(hopeless);
        _story.Should().Equal("enqueue");
    }

    [Fact]
    public async Task One_total_time_out_spans_both_attempts_and_the_ping()
    {
        _inner.Answers.Enqueue(() =>
        {
            _time.Advance(TimeSpan.FromSeconds(6));
            throw Unavailable("first", mayHaveExecuted: false);
        });
        _inner.Pending = true;

        var enqueue = _queue.EnqueueAsync("job").AsTask();
        _time.Advance(TimeSpan.FromSeconds(3.9));
        enqueue.IsCompleted.Should().BeFalse("6 + 3.9 s are less than the 10 s of TotalTimeout");
        _time.Advance(TimeSpan.FromSeconds(0.2));

        var thrown = await FluentActions.Awaiting(() => enqueue).Should().ThrowAsync<RedisUnavailableException>();
        thrown.Which.Message.Should().Contain("00:00:10").And.Contain("TotalTimeout");
        thrown.Which.MayHaveExecuted.Should().BeTrue("the second attempt was under way");
    }

    [Fact]
    public async Task First_attempt_that_used_all_the_time_is_not_repeated()
    {
        _inner.Answers.Enqueue(() =>
        {
            _time.Advance(TimeSpan.FromSeconds(10));
            throw Unavailable("first", mayHaveExecuted: true);
        });

        await FluentActions.Awaiting(() => _queue.EnqueueAsync("job").AsTask()).Should().ThrowAsync<RedisUnavailableException>().WithMessage("first");
        _story.Should().Equal("enqueue");
    }

    [Fact]
    public async Task Callers_cancellation_stays_a_cancellation()
    {
        using var stop = new CancellationTokenSource();
        _inner.Answers.Enqueue(() => throw Unavailable("first", mayHaveExecuted: false));
        _inner.Pending = true;

        var enqueue = _queue.EnqueueAsync("job", cancellationToken: stop.Token).AsTask();
        await stop.CancelAsync();

        await FluentActions.Awaiting(() => enqueue).Should().ThrowAsync<OperationCanceledException>();
    }

    public static TheoryData<Exception> Hopeless() => new(
        new ArgumentException("bad argument"),
        new JobTooLargeException("too large"),
        new RedisRefusedException("wrong password", "WRONGPASS", isTransient: false),
        new RedisRefusedException("full", "OOM", isTransient: true),
        new InvalidOperationException("a bug"));

    private static RedisUnavailableException Unavailable(string message, bool mayHaveExecuted) => new(message, mayHaveExecuted);

    private sealed class ScriptedQueue(List<string> story) : IJobQueue
    {
        public Queue<Func<EnqueueResult>> Answers { get; } = new();

        public List<JobId?> Ids { get; } = [];

        public List<object?> Calls { get; } = [];

        /// <summary>When there is no scripted answer: wait for the token.</summary>
        public bool Pending { get; set; }

        public string Name => "scripted";

        public async ValueTask<EnqueueResult> EnqueueAsync<TJob>(TJob job, EnqueueOptions? options = null, CancellationToken cancellationToken = default)
        {
            story.Add("enqueue");
            Ids.Add(options!.Id);
            Calls.Add(options.Call);
            if (Answers.TryDequeue(out var answer))
                return answer();
            if (Pending)
                await Task.Delay(Timeout.Infinite, cancellationToken);
            return new EnqueueResult(options.Id!.Value, Created: true);
        }

        public async ValueTask<IReadOnlyList<EnqueueResult>> EnqueueManyAsync<TJob>(IReadOnlyList<JobRequest<TJob>> jobs, CancellationToken cancellationToken = default)
        {
            story.Add($"enqueue {jobs.Count}");
            Ids.AddRange(jobs.Select(request => request.Options!.Id));
            Calls.Add(jobs[0].Options!.Call);
            if (Answers.TryDequeue(out var answer))
                answer();
            await Task.Yield();
            return [.. jobs.Select(request => new EnqueueResult(request.Options!.Id!.Value, Created: true))];
        }

        public ValueTask<CancelResult> CancelAsync(JobId id, string? reason = null, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public ValueTask<JobInfo?> GetAsync(JobId id, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public Task<TResult?> WaitForResultAsync<TResult>(JobId id, TimeSpan? timeout = null, CancellationToken cancellationToken = default) => throw new NotSupportedException();
    }

    private sealed class ScriptedRedis(List<string> story) : IResilientRedis
    {
        public string Name => "";

        public TimeSpan TotalTimeout => TimeSpan.FromSeconds(10);

        public ValueTask<int> ReplaceDeadAsync(CancellationToken cancellationToken = default)
        {
            story.Add("replace dead");
            return new(1);
        }

        public ValueTask<IConnectionMultiplexer> GetConnectionAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public ValueTask<TResult> ExecuteAsync<TState, TResult>(Func<IDatabase, TState, Task<TResult>> command, TState state, RetrySafety safety, CancellationToken cancellationToken = default) =>
            throw new NotSupportedException();

        public ValueTask<TimeSpan> PingAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public ValueTask DisposeAsync() => default;
    }
}
