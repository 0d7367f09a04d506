using StackExchange.Redis;

namespace Resilient.Redis.Connections;

/// <summary>Reconnects soon after the sentinels have settled: the pauses that grew while there was nowhere to connect to say nothing of the new primary.</summary>
internal sealed class SentinelRetry(SentinelPrimary primary, IReconnectRetryPolicy otherwise) : IReconnectRetryPolicy
{
    private const int SoonMilliseconds = 100;

    public bool ShouldRetry(long currentRetryCount, int timeElapsedMillisecondsSinceLastRetry) =>
        primary.HasJustSettled ? timeElapsedMillisecondsSinceLastRetry >= SoonMilliseconds : otherwise.ShouldRetry(currentRetryCount, timeElapsedMillisecondsSinceLastRetry);
}
