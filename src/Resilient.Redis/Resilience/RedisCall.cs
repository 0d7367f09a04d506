using Resilient.Redis.Connections;
using StackExchange.Redis;

namespace Resilient.Redis.Resilience;

/// <summary>What the retry of one failed call needs to know, whatever its types.</summary>
internal abstract class RedisCall(RetrySafety safety, Exception failure, Diagnosis? diagnosis, TimeSpan left)
{
    /// <summary>What is left of TotalTimeout.</summary>
    public TimeSpan Left => left;

    public Exception LastFailure { get; private set; } = failure;

    /// <summary>How many attempts have failed, apart from those that met a cluster without a primary: that wait is bounded by TotalTimeout, not by a number.</summary>
    public int Failures { get; private set; } = RedisErrors.IsClusterDown(failure) ? 0 : 1;

    /// <summary>Why <see cref="LastFailure"/> happened, where that was found out.</summary>
    public Diagnosis? LastDiagnosis { get; private set; } = diagnosis;

    /// <summary>Whether any attempt so far may have run.</summary>
    public bool MayHaveExecuted { get; private set; } = RedisErrors.Classify(failure) == Failure.Ambiguous;

    public bool MayRetry(Exception error) => RedisErrors.Classify(error) switch
    {
        Failure.NotSent or Failure.Busy => safety is not RetrySafety.Never,
        Failure.Ambiguous => safety is RetrySafety.Idempotent,
        _ => false,
    };

    public void Failed(Exception error, Diagnosis? diagnosis)
    {
        LastFailure = error;
        Failures += RedisErrors.IsClusterDown(error) ? 0 : 1;
        LastDiagnosis = diagnosis;
        MayHaveExecuted |= RedisErrors.Classify(error) == Failure.Ambiguous;
    }
}

/// <summary>One failed call with its command, to be run again.</summary>
internal sealed class RedisCall<TState, TResult>(
    Func<IDatabase, TState, Task<TResult>> command,
    TState state,
    RetrySafety safety,
    Exception failure,
    Diagnosis? diagnosis,
    TimeSpan left) : RedisCall(safety, failure, diagnosis, left)
{
    /// <summary>The failure with which the pipeline was entered counts as its first attempt.</summary>
    public bool FirstIsTold { get; set; }

    public Task<TResult> RunAsync(PooledConnection connection) => command(connection.Database, state);
}
