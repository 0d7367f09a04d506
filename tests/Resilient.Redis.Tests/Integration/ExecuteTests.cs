using Resilient.Redis.TestKit;
using StackExchange.Redis;

namespace Resilient.Redis.Tests.Integration;

/// <summary>What ExecuteAsync does with each kind of failure, and how often it tries.</summary>
public sealed class ExecuteTests : IAsyncLifetime
{
    private TestServer _server = null!;
    private ResilientRedis _redis = null!;
    private int _attempts;

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _redis = Testing.Create(_server.Endpoint, o => (o.Retry.MaxRetries, o.Retry.BaseDelay) = (2, TimeSpan.FromMilliseconds(1)));
        await _redis.GetConnectionAsync();
    }

    public async Task DisposeAsync()
    {
        await _redis.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Theory]
    [InlineData(RetrySafety.Never, "not sent", 1)]
    [InlineData(RetrySafety.Never, "busy", 1)]
    [InlineData(RetrySafety.Never, "ambiguous", 1)]
    [InlineData(RetrySafety.IfNotSent, "not sent", 3)]
    [InlineData(RetrySafety.IfNotSent, "busy", 3)]
    [InlineData(RetrySafety.IfNotSent, "ambiguous", 1)]
    [InlineData(RetrySafety.Idempotent, "not sent", 3)]
    [InlineData(RetrySafety.Idempotent, "busy", 3)]
    [InlineData(RetrySafety.Idempotent, "ambiguous", 3)]
    public async Task Attempts_follow_what_is_known_about_running_twice(RetrySafety safety, string kind, int attempts)
    {
        var (error, _) = await Testing.FailsAsync<RedisUnavailableException>(() => RunAsync(() => throw Make(kind), safety));

        _attempts.Should().Be(attempts);
        error.MayHaveExecuted.Should().Be(kind == "ambiguous");
        error.InnerException.Should().BeAssignableTo<Exception>().Which.Message.Should().Be("LOADING x");
    }

    [Fact]
    public async Task Refusal_is_never_retried_and_says_what_to_do()
    {
        await _redis.ExecuteAsync(static db => db.StringSetAsync("text", "x"), RetrySafety.Idempotent);

        var (error, _) = await Testing.FailsAsync<RedisRefusedException>(() => _redis.ExecuteAsync(
            db =>
            {
                _attempts++;
                return db.ListLengthAsync("text");
            },
            RetrySafety.Idempotent).AsTask());

        _attempts.Should().Be(1);
        error.ErrorCode.Should().Be("WRONGTYPE");
        error.IsTransient.Should().BeFalse();
        error.Message.Should().Contain("another kind of value");
    }

    [Fact]
    public async Task Ambiguity_of_an_earlier_attempt_is_not_forgotten()
    {
        var kinds = new Queue<string>(["ambiguous", "not sent", "not sent"]);

        var (error, _) = await Testing.FailsAsync<RedisUnavailableException>(() => RunAsync(() => throw Make(kinds.Dequeue()), RetrySafety.Idempotent));

        error.MayHaveExecuted.Should().BeTrue("the first attempt may have been run");
    }

    [Fact]
    public async Task Failure_that_passes_is_mended_by_the_retry()
    {
        var kinds = new Queue<string>(["not sent"]);

        await RunAsync(() => kinds.TryDequeue(out var kind) ? throw Make(kind) : 1, RetrySafety.IfNotSent);

        _attempts.Should().Be(2);
    }

    [Theory]
    [InlineData(typeof(ArgumentException))]
    [InlineData(typeof(InvalidOperationException))]
    [InlineData(typeof(ObjectDisposedException))]
    [InlineData(typeof(TimeoutException))]
    [InlineData(typeof(TaskCanceledException))]
    public async Task Commands_own_exceptions_pass_untouched(Type type)
    {
        var own = (Exception)Activator.CreateInstance(type, "own")!;

        var thrown = await Record.ExceptionAsync(() => RunAsync(() => throw own, RetrySafety.Idempotent));

        thrown.Should().BeSameAs(own);
        _attempts.Should().Be(1);
    }

    [Fact]
    public async Task Cancellation_comes_with_the_callers_token_before_and_during_the_call_and_between_retries()
    {
        using var source = new CancellationTokenSource();
        await source.CancelAsync();
        (await Testing.FailsAsync<OperationCanceledException>(() => _redis.IncrementAsync("n", RetrySafety.Never, source.Token))).Error.CancellationToken.Should().Be(source.Token);
        (await Testing.FailsAsync<OperationCanceledException>(() => _redis.PingAsync(source.Token).AsTask())).Error.CancellationToken.Should().Be(source.Token);

        using var during = new CancellationTokenSource();
        var call = _redis.ExecuteAsync(static async (_, source) => { await source.CancelAsync(); await Task.Delay(Timeout.Infinite); return 1; }, during, RetrySafety.Never, during.Token).AsTask();
        (await Testing.FailsAsync<OperationCanceledException>(() => call)).Error.CancellationToken.Should().Be(during.Token);

        using var between = new CancellationTokenSource();
        var retried = _redis.ExecuteAsync<CancellationTokenSource, int>(static (_, source) => { source.Cancel(); throw Make("not sent"); }, between, RetrySafety.IfNotSent, between.Token).AsTask();
        (await Testing.FailsAsync<OperationCanceledException>(() => retried)).Error.CancellationToken.Should().Be(between.Token);
    }

    [Fact]
    public async Task Total_timeout_ends_the_retries()
    {
        await using var redis = Testing.Create(_server.Endpoint, o => (o.TotalTimeout, o.Retry.MaxRetries, o.Retry.BaseDelay) = (TimeSpan.FromSeconds(2), 20, TimeSpan.FromMilliseconds(300)));
        await redis.GetConnectionAsync();

        var (error, elapsed) = await Testing.FailsAsync<RedisUnavailableException>(() => redis.ExecuteAsync<int, int>(static (_, _) => throw Make("not sent"), 0, RetrySafety.IfNotSent).AsTask());

        elapsed.Should().BeCloseTo(TimeSpan.FromSeconds(2), TimeSpan.FromMilliseconds(500));
        error.Message.Should().Contain("TotalTimeout (2 s)");
        error.MayHaveExecuted.Should().BeFalse();
    }

    [Fact]
    public async Task Command_without_result_runs()
    {
        await _redis.ExecuteAsync(static db => (Task)db.StringSetAsync("plain", 1), RetrySafety.Idempotent);

        (await _redis.ExecuteAsync(static db => db.StringGetAsync("plain"), RetrySafety.Idempotent)).Should().Be(1);
    }

    [Fact]
    public async Task Safety_must_be_said()
    {
        var call = () => _redis.IncrementAsync("n", default);

        await call.Should().ThrowAsync<ArgumentOutOfRangeException>();
    }

    [Fact]
    public async Task Disposed_pool_says_so()
    {
        await _redis.DisposeAsync();

        await Testing.FailsAsync<ObjectDisposedException>(() => _redis.IncrementAsync("n", RetrySafety.Idempotent));
        await Testing.FailsAsync<ObjectDisposedException>(() => _redis.PingAsync().AsTask());
        await _redis.DisposeAsync();
    }

    private static Exception Make(string kind) => kind switch
    {
        "not sent" => new RedisConnectionException(ConnectionFailureType.UnableToConnect, CommandFlags.None, "LOADING x", null, CommandStatus.WaitingToBeSent),
        "busy" => new RedisServerException(RedisErrorKind.Loading, CommandFlags.None, "LOADING x"),
        _ => new RedisTimeoutException(CommandFlags.None, "LOADING x", CommandStatus.Sent),
    };

    private Task<int> RunAsync(Func<int> result, RetrySafety safety) => _redis.ExecuteAsync(
        (_, result) =>
        {
            _attempts++;
            return Task.FromResult(result());
        },
        result,
        safety).AsTask();
}
