namespace Resilient.Redis;

/// <summary>How to connect to Redis. Null means not set: the default named at the property then holds.</summary>
/// <remarks>
/// For each setting the order is: code, then the URL or connection string, then the environment variable, then configuration
/// (section <c>Redis</c>, or <c>Redis:{name}</c> for a named connection), then the default.
/// Environment variables serve the default connection only.
/// </remarks>
public sealed class ResilientRedisOptions
{
    /// <summary>A <c>redis://</c>, <c>rediss://</c> or <c>redis+sentinel://</c> URL, or a StackExchange.Redis connection string. Variable <c>REDIS_URL</c>. Default <c>localhost:6379</c>.</summary>
    public string? ConnectionString { get; set; }

    /// <summary>The longest time to open a connection. Variable <c>REDIS_TIMEOUT</c>, seconds. Default 5 s; from 10 ms to 5 min.</summary>
    public TimeSpan? ConnectTimeout { get; set; }

    /// <summary>The longest time to wait for one reply. Variable <c>REDIS_TIMEOUT</c>, seconds. Default 2 s; from 10 ms to 5 min.</summary>
    public TimeSpan? AttemptTimeout { get; set; }

    /// <summary>The longest time of a call, all attempts and pauses included. Default the greater of 10 s and three times <see cref="AttemptTimeout"/>; from <see cref="AttemptTimeout"/> to 1 h.</summary>
    public TimeSpan? TotalTimeout { get; set; }

    /// <summary>Whether the system watches idle sockets; sets the times too, not just the flag. Variable <c>REDIS_SOCKET_KEEPALIVE</c>. Default true.</summary>
    public bool? KeepAlive { get; set; }

    /// <summary>How long a connection may be idle before it is probed. Default 2 s; from 1 s to 1 h.</summary>
    public TimeSpan? KeepAliveInterval { get; set; }

    /// <summary>The most connections; the first is opened at once, another only when replies are late. Variable <c>REDIS_CONNECTION_POOL_SIZE</c>. Default 10; from 1 to 64.</summary>
    public int? PoolSize { get; set; }

    /// <summary>Whether replies are read on threads of their own, so that a starved thread pool does not stop Redis. Process-wide. Default true.</summary>
    public bool? DedicatedThreads { get; set; }

    /// <summary>Whether calls fail at once while Redis is known to be away. Default true; when false they wait, up to <see cref="TotalTimeout"/>.</summary>
    public bool? FailFast { get; set; }

    /// <summary>How a call is retried.</summary>
    public RedisRetryOptions Retry { get; set; } = new();
}

/// <summary>Retries within <see cref="ResilientRedisOptions.TotalTimeout"/>: exponential, with jitter.</summary>
public sealed class RedisRetryOptions
{
    /// <summary>The most retries after the first attempt. Default 3; from 0 to 20.</summary>
    public int? MaxRetries { get; set; }

    /// <summary>The pause before the first retry. Default 100 ms; from 1 ms to 1 min.</summary>
    public TimeSpan? BaseDelay { get; set; }

    /// <summary>The longest pause. Default 1 s; from <see cref="BaseDelay"/> to 5 min.</summary>
    public TimeSpan? MaxDelay { get; set; }
}
