using Microsoft.Extensions.Logging;

namespace Resilient.Redis.Diagnostics;

/// <summary>Event ids 100 to 199. Each connect, loss and recovery is one line with its cause and duration.</summary>
internal static partial class Log
{
    [LoggerMessage(101, LogLevel.Information, "{Redis}: connection {Slot} to {Endpoint} opened after {Milliseconds} ms.")]
    public static partial void Opened(ILogger logger, string redis, int slot, string endpoint, long milliseconds);

    [LoggerMessage(102, LogLevel.Warning, "{Redis}: no connection {Slot} to {Endpoint} after {Milliseconds} ms: {Cause}. {Advice} Trying on; calls fail until it is there.")]
    public static partial void NotOpened(ILogger logger, string redis, int slot, string endpoint, long milliseconds, string cause, string advice);

    [LoggerMessage(103, LogLevel.Error, "{Redis}: no connection {Slot} to {Endpoint} after {Milliseconds} ms: {Cause}. {Advice}")]
    public static partial void Misconfigured(ILogger logger, string redis, int slot, string endpoint, long milliseconds, string cause, string advice);

    [LoggerMessage(104, LogLevel.Warning, "{Redis}: connection {Slot} to {Endpoint} lost after {Seconds} s: {Cause}.")]
    public static partial void Lost(ILogger logger, string redis, int slot, string endpoint, double seconds, string cause);

    [LoggerMessage(105, LogLevel.Information, "{Redis}: connection {Slot} to {Endpoint} is back after {Milliseconds} ms.")]
    public static partial void Recovered(ILogger logger, string redis, int slot, string endpoint, long milliseconds);

    [LoggerMessage(106, LogLevel.Error, "{Redis}: the watchdog failed and goes on.")]
    public static partial void WatchdogFailed(ILogger logger, Exception error, string redis);

    [LoggerMessage(107, LogLevel.Warning, "{Redis}: connection {Slot}: the sockets to {Server} were closed: {Cause}. The driver opens new ones.")]
    public static partial void ServerDropped(ILogger logger, string redis, int slot, string server, string cause);

    [LoggerMessage(109, LogLevel.Information, "{Redis}: {Problem}; connections are closed until they have, since what is written meanwhile may be lost.")]
    public static partial void PrimaryLeft(ILogger logger, string redis, string problem);

    [LoggerMessage(108, LogLevel.Warning, "{Redis}: the sentinels have made {Primary} the primary of {Service}; it was {Before}. Connections move there.")]
    public static partial void PrimarySwitched(ILogger logger, string redis, string service, string primary, string before);
}
