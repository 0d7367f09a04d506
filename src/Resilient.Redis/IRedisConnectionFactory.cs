using StackExchange.Redis;

namespace Resilient.Redis;

/// <summary>Opens connections: the only code that calls <see cref="ConnectionMultiplexer.ConnectAsync(ConfigurationOptions, TextWriter?)"/>.</summary>
/// <remarks>Register your own before <c>AddResilientRedis</c> (keyed by name for a named connection) for Entra ID or tests.</remarks>
public interface IRedisConnectionFactory
{
    /// <summary>Opens a new connection that the caller owns and disposes.</summary>
    /// <param name="adjust">Changes the options of this one connection, for example the time-outs of a duty that needs its own.</param>
    /// <param name="cancellationToken">Stops waiting for the connection.</param>
    Task<IConnectionMultiplexer> ConnectAsync(Action<ConfigurationOptions>? adjust = null, CancellationToken cancellationToken = default);
}
