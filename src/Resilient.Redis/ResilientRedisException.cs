namespace Resilient.Redis;

/// <summary>The base of all that this library throws about Redis. The inner exception is the driver's.</summary>
public abstract class ResilientRedisException : Exception
{
    private protected ResilientRedisException(string message, Exception? inner) : base(message, inner)
    {
    }

    /// <summary>Whether the same call may succeed later without anybody changing anything.</summary>
    public abstract bool IsTransient { get; }
}

/// <summary>Redis could not be reached, did not answer in time, or is busy (LOADING and the like).</summary>
public sealed class RedisUnavailableException : ResilientRedisException
{
    /// <summary>Creates one; public so that tests of an application can throw it.</summary>
    public RedisUnavailableException(string message, bool mayHaveExecuted, Exception? inner = null) : base(message, inner) =>
        MayHaveExecuted = mayHaveExecuted;

    /// <summary>Always true: Redis may come back.</summary>
    public override bool IsTransient => true;

    /// <summary>False when the command certainly did not run; true when the reply was lost and nobody can know.</summary>
    public bool MayHaveExecuted { get; }
}

/// <summary>Redis answered, and the answer was no: a retry alone does not mend it.</summary>
public sealed class RedisRefusedException : ResilientRedisException
{
    private readonly bool _isTransient;

    /// <summary>Creates one; public so that tests of an application can throw it.</summary>
    public RedisRefusedException(string message, string errorCode, bool isTransient, Exception? inner = null) : base(message, inner)
    {
        ErrorCode = errorCode;
        _isTransient = isTransient;
    }

    /// <summary>True where the caller may try again later, as with OOM; this library does not.</summary>
    public override bool IsTransient => _isTransient;

    /// <summary>The first word of the error reply: "OOM", "NOAUTH", "WRONGTYPE" and so on; the message says what to do.</summary>
    public string ErrorCode { get; }
}
