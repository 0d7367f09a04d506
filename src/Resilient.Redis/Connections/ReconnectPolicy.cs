using StackExchange.Redis;

namespace Resilient.Redis.Connections;

/// <summary>When the driver tries again: about twice a second for as long as it takes, so that service is back within a second of the server.</summary>
/// <remarks>
/// The driver's own policies grow with the outage, and are asked the same question about a connect that is still under way: after their pause
/// they abort it, so a slow TLS handshake never ends. This one knows the sockets, and lets a connect have its ConnectTimeout.
/// A refusal that does not pass by itself, such as a wrong password, is tried ever more slowly.
/// </remarks>
internal sealed class ReconnectPolicy(SocketSet sockets, TimeSpan connectTimeout) : IReconnectRetryPolicy
{
    private const double PauseMilliseconds = 400;
    private const double SlowestMilliseconds = 5000;
    private const double MostJitter = 0.5;

    private readonly double _phase = Jitter();

    /// <summary>The first connect is under way, and in a process that has just begun it takes its time.</summary>
    public bool IsOpening { get; set; } = true;

    /// <summary>Whether Redis refuses us for good, as far as is known.</summary>
    public Func<bool> IsRefused { get; set; } = static () => false;

    /// <summary>Whether this connection can wait until another works again.</summary>
    public Func<bool> MayWait { get; set; } = static () => false;

    public bool ShouldRetry(long currentRetryCount, int timeElapsedMillisecondsSinceLastRetry)
    {
        var elapsed = TimeSpan.FromMilliseconds(timeElapsedMillisecondsSinceLastRetry);
        if (sockets.IsConnecting(elapsed))
            return elapsed >= connectTimeout;
        return timeElapsedMillisecondsSinceLastRetry >= Pause(currentRetryCount);
    }

    private double Pause(long retries)
    {
        var pause = PauseMilliseconds;
        if (IsOpening)
            pause = 2 * PauseMilliseconds / MostJitter;
        else if (IsRefused())
            pause = Math.Min(SlowestMilliseconds, PauseMilliseconds * Math.Pow(2, Math.Min(retries, 10)));
        else if (MayWait())
            pause = SlowestMilliseconds;

        // Asked at each heartbeat: the jitter of one pause must not change in between.
        return pause * (1 - MostJitter + (MostJitter * ((_phase + (retries * 0.618)) % 1)));
    }

#pragma warning disable CA5394 // Jitter is no secret.
    private static double Jitter() => Random.Shared.NextDouble();
#pragma warning restore CA5394
}
