using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Resilient.Redis.Connections;
using Resilient.Redis.Diagnostics;
using Resilient.Redis.Options;
using Resilient.Redis.Resilience;
using StackExchange.Redis;

namespace Resilient.Redis;

/// <summary>The connection pool, with <see cref="Create"/> for programs without a container.</summary>
public sealed class ResilientRedis : IResilientRedis
{
    /// <summary>For what follows a connect that took all its time: the shared multiplexer must be there when the host has started.</summary>
    private static readonly TimeSpan s_afterLoss = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan s_moment = TimeSpan.FromMilliseconds(500);

    private readonly ResolvedRedisOptions _options;
    private readonly ConnectionPool _pool;
    private readonly ConnectionProbe _probe;
    private readonly Availability _availability;
    private readonly TimeoutDiagnosis _diagnosis;
    private readonly CallGate _gate;
    private readonly RedisPipeline _pipeline;
    private readonly RedisErrorText _text;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stopping = new();
    private readonly RedisTelemetry _telemetry;
    private readonly ThreadPoolLag _threads;
    private readonly Watchdog _watchdog;
    private readonly Lock _lock = new();
    private Task<int> _replacing = Task.FromResult(0);
    private Task? _closing;
    private RedisConnectionFactory? _own;

    internal ResilientRedis(ResolvedRedisOptions options, RedisHooks hooks, IRedisConnectionFactory factory, ILoggerFactory logging, IMeterFactory? meters, TimeProvider time)
    {
        DedicatedThreads.Hold(options);
        var logger = logging.CreateLogger<ResilientRedis>();
        _options = options;
        _time = time;
        _text = new RedisErrorText(options);
        _telemetry = new RedisTelemetry(meters, options, time);
        _availability = new Availability(time);
        _probe = new ConnectionProbe(options, factory, _availability, time);
        _threads = new ThreadPoolLag(time);
        _pool = new ConnectionPool(options, factory, _probe, new ConnectionStates(options, _text, _telemetry, logger, time), _availability, _telemetry, time);
        _telemetry.Observe(_pool, _availability);
        _diagnosis = new TimeoutDiagnosis(_threads, options, time);
        _gate = new CallGate(options, _pool, _availability, _text, _diagnosis, _telemetry, time);
        _pipeline = new RedisPipeline(options, hooks, _gate, time);
        _watchdog = new Watchdog(_pool, _probe, _threads, options, logger, time);
        _watchdog.Start(_stopping.Token);
    }

    /// <summary>Makes a pool for a program without a container. Nothing connects before the first use.</summary>
    /// <param name="options">The options; environment variables fill what they leave open.</param>
    /// <param name="logging">Where connects, losses and recoveries are logged; nowhere by default.</param>
    /// <param name="time">The clock; the system's by default.</param>
    /// <exception cref="OptionsValidationException">A value cannot be used; the message names all of them.</exception>
    public static ResilientRedis Create(ResilientRedisOptions options, ILoggerFactory? logging = null, TimeProvider? time = null) =>
        CreateWith(options, Environment.GetEnvironmentVariable, null, logging, time);

    /// <summary>The seams of the tests: variables and connections of their own.</summary>
    internal static ResilientRedis CreateWith(
        ResilientRedisOptions options,
        Func<string, string?> environment,
        IRedisConnectionFactory? factory,
        ILoggerFactory? logging,
        TimeProvider? time)
    {
        ArgumentNullException.ThrowIfNull(options);
        var resolver = new OptionsResolver("", environment, null);
        var validator = new ResilientRedisOptionsValidator("", resolver, new DedicatedThreadsVotes());
        if (validator.Faults(options) is { Count: > 0 } faults)
            throw new OptionsValidationException("", typeof(ResilientRedisOptions), faults);
        var resolved = resolver.Resolve(options, new OptionsCheck())!;
        var hooks = new RedisHooks();
        logging ??= NullLoggerFactory.Instance;
        time ??= TimeProvider.System;
        var own = factory is null ? new RedisConnectionFactory(resolved, hooks, logging.CreateLogger<ResilientRedis>(), time) : null;
        return new ResilientRedis(resolved, hooks, factory ?? own!, logging, null, time) { _own = own };
    }

    /// <inheritdoc/>
    public string Name => _options.Name;

    /// <inheritdoc/>
    public TimeSpan TotalTimeout => _options.TotalTimeout;

    internal ResolvedRedisOptions Options => _options;

    internal ConnectionPool Pool => _pool;

    internal Availability Availability => _availability;

    internal RedisErrorText Text => _text;

    /// <summary>Why the sentinels let nothing connect.</summary>
    internal string? SentinelProblem => _own?.SentinelProblem;

    /// <inheritdoc/>
    public async ValueTask<IConnectionMultiplexer> GetConnectionAsync(CancellationToken cancellationToken = default)
    {
        ThrowIfClosed();
        cancellationToken.ThrowIfCancellationRequested();
        var connection = _pool.TryPick() ?? await _gate.WaitForOneAsync(cancellationToken).ConfigureAwait(false);
        return connection.Multiplexer;
    }

    /// <inheritdoc/>
    public ValueTask<TResult> ExecuteAsync<TState, TResult>(
        Func<IDatabase, TState, Task<TResult>> command,
        TState state,
        RetrySafety safety,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(command);
        if (safety is < RetrySafety.Never or > RetrySafety.Idempotent)
            throw new ArgumentOutOfRangeException(nameof(safety), safety, "Say what is known about running the command twice.");
        ThrowIfClosed();
        return _telemetry.IsListening
            ? ObserveAsync(null, static (call, token) => call.Redis.RunAsync(call.Command, call.State, call.Safety, token), (Redis: this, Command: command, State: state, Safety: safety), cancellationToken)
            : RunAsync(command, state, safety, cancellationToken);
    }

    private ValueTask<TResult> RunAsync<TState, TResult>(Func<IDatabase, TState, Task<TResult>> command, TState state, RetrySafety safety, CancellationToken cancellationToken) =>
        _pool.Large.Expects(command, state) ? RunLargeAsync(command, state, safety, cancellationToken) : TryAsync(command, state, safety, isLarge: false, cancellationToken);

    private async ValueTask<TResult> RunLargeAsync<TState, TResult>(Func<IDatabase, TState, Task<TResult>> command, TState state, RetrySafety safety, CancellationToken cancellationToken)
    {
        var hasTurn = await _pool.Large.TakeTurnAsync(_options.AttemptTimeout, cancellationToken).ConfigureAwait(false);
        try
        {
            return await TryAsync(command, state, safety, isLarge: true, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            if (hasTurn)
                _pool.Large.EndTurn();
        }
    }

    /// <summary>The way of a call that somebody watches, apart, so that the other stays short.</summary>
    private async ValueTask<TResult> ObserveAsync<TCall, TResult>(string? operation, Func<TCall, CancellationToken, ValueTask<TResult>> run, TCall call, CancellationToken cancellationToken)
    {
        using var activity = _telemetry.Start(operation);
        var began = _time.GetTimestamp();
        try
        {
            var result = await run(call, cancellationToken).ConfigureAwait(false);
            _telemetry.Ended(activity, began, operation, null);
            return result;
        }
        catch (Exception error)
        {
            _telemetry.Ended(activity, began, operation, error);
            throw;
        }
    }

    /// <summary>The happy path is the raw call: no closure, no pipeline; the driver's own time-out bounds it. Its state is pooled, so that a call allocates next to nothing.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<TResult> TryAsync<TState, TResult>(Func<IDatabase, TState, Task<TResult>> command, TState state, RetrySafety safety, bool isLarge, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Exception failure;
        var began = _time.GetTimestamp();
        var connection = _pool.TryPick(began, isLarge) ?? await _gate.WaitForOneAsync(cancellationToken).ConfigureAwait(false);
        connection.Begin(began);
        try
        {
            var reply = command(connection.Database, state);
            var result = await (cancellationToken.CanBeCanceled ? reply.WaitAsync(cancellationToken) : reply).ConfigureAwait(false);
            _pool.Large.Saw(command, state, result);
            return result;
        }
        catch (Exception error) when (CallGate.IsFault(error, connection))
        {
            failure = error;
        }
        finally
        {
            connection.End();
        }

        var elapsed = _time.GetElapsedTime(began);
        var diagnosis = _gate.Saw(connection, failure, elapsed);
        var call = new RedisCall<TState, TResult>(command, state, safety, failure, diagnosis, _options.TotalTimeout - elapsed);
        return await _pipeline.RetryAsync(call, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public ValueTask<TimeSpan> PingAsync(CancellationToken cancellationToken = default)
    {
        ThrowIfClosed();
        return _telemetry.IsListening ? ObserveAsync("PING", static (redis, token) => redis.TryPingAsync(token), this, cancellationToken) : TryPingAsync(cancellationToken);
    }

    private async ValueTask<TimeSpan> TryPingAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var began = _time.GetTimestamp();
        var asked = new StrongBox<PooledConnection?>();
        try
        {
            return await PingSentAsync(asked).WaitAsync(_options.AttemptTimeout, _time, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException) when (_pool.First is null)
        {
            // Still opening: no reply was asked for, so slowness is not what there is to tell.
            throw _gate.Away();
        }
        catch (Exception error) when (RedisErrors.IsDriver(error) || error is TimeoutException || (error is ObjectDisposedException && _closing is null))
        {
            var diagnosis = asked.Value is { } connection ? _diagnosis.Explain(connection, error, _time.GetElapsedTime(began)) : null;
            throw _text.ToException("the PING", error, mayHaveExecuted: false, diagnosis);
        }
    }

    /// <inheritdoc/>
    public async ValueTask<int> ReplaceDeadAsync(CancellationToken cancellationToken = default)
    {
        ThrowIfClosed();
        cancellationToken.ThrowIfCancellationRequested();
        Task<int> replacing;
        lock (_lock)
        {
            // Sixty callers that failed at the same moment ask the same question: one answer serves them all.
            if (_replacing.IsCompleted)
                _replacing = ReplaceSilentAsync();
            replacing = _replacing;
        }

        return await replacing.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        lock (_lock)
            return new(_closing ??= CloseAsync());
    }

    /// <summary>Opens the first connection, waiting little longer than ConnectTimeout; never fails because Redis is away.</summary>
    internal async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _pool.OpenFirstAsync().WaitAsync(_options.ConnectTimeout + s_moment, _time, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // Still opening in the background; the pool logs the outcome.
        }
    }

    private async Task<TimeSpan> PingOnceAsync(StrongBox<PooledConnection?> asked)
    {
        if (!_availability.IsUp && _pool.Grace is { Ticks: > 0 } grace)
            await _availability.WhenUp.WaitAsync(grace, _time, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        var connection = _pool.TryPick() ?? _pool.First;
        if (connection is null)
        {
            await _pool.OpenFirstAsync().ConfigureAwait(false);
            connection = _pool.First ?? throw _gate.Away();
        }

        asked.Value = connection;
        return await connection.Database.PingAsync().ConfigureAwait(false);
    }

    /// <summary>A connection can be lost between its choice and its use: a PING that was never sent is asked once more.</summary>
    private async Task<TimeSpan> PingSentAsync(StrongBox<PooledConnection?> asked)
    {
        try
        {
            return await PingOnceAsync(asked).ConfigureAwait(false);
        }
        catch (RedisConnectionException error) when (RedisErrors.Classify(error) == Failure.NotSent && (_availability.IsUp || _pool.Grace > TimeSpan.Zero))
        {
            // The driver may tell of the loss only after it has refused the call; then the reconnect is waited for.
            await Task.Delay(s_afterLoss, _time, _stopping.Token).ConfigureAwait(false);
            return await PingOnceAsync(asked).ConfigureAwait(false);
        }
    }

    private async Task<int> ReplaceSilentAsync()
    {
        var connections = _pool.Open.ToList();
        var answers = await Task.WhenAll(connections.Select(connection => _probe.AskAsync(connection, _stopping.Token))).ConfigureAwait(false);
        var dead = connections.Where((connection, i) => answers[i] == Answer.None || (answers[i] == Answer.NotConnected && connection.Slot > 0)).ToList();
        await Task.WhenAll(dead.Select(connection => _pool.DropAsync(connection, "it gave no answer to a PING"))).ConfigureAwait(false);
        return dead.Count;
    }

    private void ThrowIfClosed() => ObjectDisposedException.ThrowIf(Volatile.Read(ref _closing) is not null, this);

    private async Task CloseAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _pool.CloseAsync().ConfigureAwait(false);
        await _watchdog.EndAsync().ConfigureAwait(false);
        if (_own is not null)
            await _own.DisposeAsync().ConfigureAwait(false);
        _pool.Dispose();
        _telemetry.Dispose();
        DedicatedThreads.Release(_options);
        _stopping.Dispose();
    }
}
