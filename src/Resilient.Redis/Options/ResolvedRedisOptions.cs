using System.Net;
using System.Net.Sockets;
using StackExchange.Redis;

namespace Resilient.Redis.Options;

/// <summary>The effective options of one connection: every source read, every default filled in.</summary>
internal sealed record ResolvedRedisOptions
{
    public const int SentinelPort = 26379;

    private const int RedisPort = 6379;

    public required string Name { get; init; }

    /// <summary>A template: each connection takes a clone.</summary>
    public required ConfigurationOptions Driver { get; init; }

    public required TimeSpan ConnectTimeout { get; init; }

    public required TimeSpan AttemptTimeout { get; init; }

    public required TimeSpan TotalTimeout { get; init; }

    public required bool KeepAlive { get; init; }

    public required TimeSpan KeepAliveInterval { get; init; }

    public required int PoolSize { get; init; }

    /// <summary>Null: no opinion; then what another registration of the process says, else true.</summary>
    public required bool? DedicatedThreads { get; init; }

    public required bool FailFast { get; init; }

    public required int MaxRetries { get; init; }

    public required TimeSpan BaseDelay { get; init; }

    public required TimeSpan MaxDelay { get; init; }

    /// <summary>Which setting an operator changes to point elsewhere: REDIS_URL, Redis:ConnectionString or ConnectionString.</summary>
    public required string ConnectionSource { get; init; }

    /// <summary>Which setting an operator changes to allow more time.</summary>
    public required string TimeoutSource { get; init; }

    /// <summary>Hosts and ports, never more; with sentinels the name of the service too.</summary>
    public string Endpoint => string.IsNullOrEmpty(Driver.ServiceName)
        ? string.Join(',', Driver.EndPoints.Select(endpoint => Text(endpoint)))
        : $"{Driver.ServiceName} (sentinels {string.Join(',', Driver.EndPoints.Select(endpoint => Text(endpoint, SentinelPort)))})";

    /// <summary>How messages call this connection.</summary>
    public string Title => Name.Length == 0 ? "Redis" : $"Redis '{Name}'";

    public static string Text(EndPoint endpoint, int defaultPort = RedisPort) => WithPort(endpoint, defaultPort) switch
    {
        DnsEndPoint dns => $"{dns.Host}:{dns.Port}",
        IPEndPoint { AddressFamily: AddressFamily.InterNetworkV6 } ip => $"[{ip.Address}]:{ip.Port}",
        IPEndPoint ip => $"{ip.Address}:{ip.Port}",
        _ => endpoint.ToString() ?? "?",
    };

    /// <summary>The driver writes 0 for a port that the text leaves out.</summary>
    public static EndPoint WithPort(EndPoint endpoint, int defaultPort = RedisPort) => endpoint switch
    {
        DnsEndPoint { Port: 0 } dns => new DnsEndPoint(dns.Host, defaultPort),
        IPEndPoint { Port: 0 } ip => new IPEndPoint(ip.Address, defaultPort),
        _ => endpoint,
    };
}
