using StackExchange.Redis;

namespace Resilient.Redis.Connections;

/// <summary>How a PING came out.</summary>
/// <param name="Answer">What it came to.</param>
/// <param name="Took">The round trip, where there was one.</param>
/// <param name="Error">What Redis or the driver said that is worth keeping as the last error.</param>
internal readonly record struct PingResult(Answer Answer, TimeSpan? Took, Exception? Error)
{
    public static PingResult Of(TimeSpan took) => new(Answer.Yes, took, null);

    public static PingResult Of(Exception? error) => error switch
    {
        RedisServerException => new(Answer.Yes, null, error),
        TimeoutException => new(Answer.None, null, error),
        RedisException => new(Answer.NotConnected, null, error),
        _ => new(Answer.NotConnected, null, null),
    };

    public static bool IsExpected(Exception error) => error is RedisException or RedisCommandException or TimeoutException or ObjectDisposedException;
}

/// <summary>What a PING came to. An error reply is an answer.</summary>
internal enum Answer
{
    Yes,
    None,
    NotConnected,
}
