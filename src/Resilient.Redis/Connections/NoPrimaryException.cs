using StackExchange.Redis;

namespace Resilient.Redis.Connections;

/// <summary>The sentinels name no primary that may be connected to. It reaches the caller inside the driver's exception.</summary>
#pragma warning disable CA1032, CA1064 // Nobody outside catches it or makes one.
internal sealed class NoPrimaryException(string problem) : Exception(problem)
{
    public static RedisConnectionException Wrapped(string problem) =>
        new(ConnectionFailureType.UnableToConnect, CommandFlags.None, "sentinel", new NoPrimaryException(problem), CommandStatus.WaitingToBeSent);
}
#pragma warning restore CA1032, CA1064
