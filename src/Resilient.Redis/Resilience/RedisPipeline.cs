using System.Runtime.ExceptionServices;
using Polly;
using Polly.Retry;
using Polly.Timeout;
using Resilient.Redis.Connections;
using Resilient.Redis.Options;

namespace Resilient.Redis.Resilience;

/// <summary>Polly, entered only with a failure in hand: a call that succeeds never pays for it.</summary>
internal sealed class RedisPipeline
{
    private static readonly ResiliencePropertyKey<RedisCall> s_call = new("Resilient.Redis.Call");

    private readonly ResiliencePipeline _pipeline;
    private readonly CallGate _gate;
    private readonly TimeProvider _time;

    public RedisPipeline(ResolvedRedisOptions options, RedisHooks hooks, CallGate gate, TimeProvider time)
    {
        _gate = gate;
        _time = time;

        // Read from outside to inside: what is left of the total timeout, then retries, then what the application adds.
        var builder = new ResiliencePipelineBuilder { TimeProvider = time };
        builder.AddTimeout(new TimeoutStrategyOptions { TimeoutGenerator = static args => new(Call(args.Context).Left) });
        if (options.MaxRetries > 0)
        {
            builder.AddRetry(new RetryStrategyOptions
            {
                MaxRetryAttempts = int.MaxValue,        // the call counts, since not every failure does
                Delay = options.BaseDelay,
                MaxDelay = options.MaxDelay,
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
                ShouldHandle = args => new(args.Outcome.Exception is { } error && error == Call(args.Context).LastFailure && Call(args.Context).MayRetry(error) && Call(args.Context).Failures <= options.MaxRetries),
            });
        }

        hooks.Pipeline.ForEach(configure => configure(builder));
        _pipeline = builder.Build();
    }

    public async ValueTask<TResult> RetryAsync<TState, TResult>(RedisCall<TState, TResult> call, CancellationToken cancellationToken)
    {
        if (!call.MayRetry(call.LastFailure) || call.Left <= TimeSpan.Zero)
            throw _gate.Text.ToException("the command", call.LastFailure, call.MayHaveExecuted, call.LastDiagnosis);

        var context = ResilienceContextPool.Shared.Get(cancellationToken);
        context.Properties.Set<RedisCall>(s_call, call);
        try
        {
            return await _pipeline.ExecuteAsync(static (context, s) => s.Pipeline.AttemptAsync(s.Call, context.CancellationToken), context, (Pipeline: this, Call: call)).ConfigureAwait(false);
        }
        catch (TimeoutRejectedException)
        {
            throw _gate.Text.ToException($"the command, tried for all of TotalTimeout ({OptionsCheck.Text(_gate.TotalTimeout)}),", call.LastFailure, call.MayHaveExecuted, call.LastDiagnosis);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Polly may hand on a token of its own; the caller looks for theirs.
            throw new OperationCanceledException(cancellationToken);
        }
        catch (Exception error) when (error == call.LastFailure && error is not RedisUnavailableException)
        {
            throw _gate.Text.ToException("the command", error, call.MayHaveExecuted, call.LastDiagnosis);
        }
        catch (RedisUnavailableException error) when (call.MayHaveExecuted && !error.MayHaveExecuted)
        {
            throw new RedisUnavailableException(error.Message + " An earlier attempt of this call may have been run.", true, error.InnerException);
        }
        finally
        {
            ResilienceContextPool.Shared.Return(context);
        }
    }

    private async ValueTask<TResult> AttemptAsync<TState, TResult>(RedisCall<TState, TResult> call, CancellationToken cancellationToken)
    {
        if (!call.FirstIsTold)
        {
            call.FirstIsTold = true;
            ExceptionDispatchInfo.Throw(call.LastFailure);
        }

        _gate.Telemetry.Retried(call.LastFailure);
        var began = _time.GetTimestamp();
        PooledConnection? connection = null;
        try
        {
            connection = _gate.TryPick() ?? await _gate.WaitForOneAsync(cancellationToken).ConfigureAwait(false);
            began = _time.GetTimestamp();
            connection.Begin(began);
            try
            {
                return await call.RunAsync(connection).WaitAsync(cancellationToken).ConfigureAwait(false);
            }
            finally
            {
                connection.End();
            }
        }
        catch (Exception error) when (CallGate.IsFault(error, connection))
        {
            call.Failed(error, _gate.Saw(connection, error, _time.GetElapsedTime(began)));
            throw;
        }
    }

    private static RedisCall Call(ResilienceContext context) => context.Properties.GetValue(s_call, null!);
}
