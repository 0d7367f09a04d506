using System.Net;
using System.Net.Sockets;
using StackExchange.Redis;

namespace Resilient.Redis.Options;

/// <summary>The effective options of one connection: every source read, every default filled in.</summary>
internal sealed record ResolvedRedisOptions
{
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

    /// <summary>Hosts and ports, never more.</summary>
    public string Endpoint => string.Join(',', Driver.EndPoints.Select(Text));

    /// <summary>How messages call this connection.</summary>
    public string Title => Name.Length == 0 ? "Redis" : $"Redis '{Name}'";

    internal static string Text(EndPoint endpoint) => endpoint switch
    {
        DnsEndPoint dns => $"{dns.Host}:{(dns.Port == 0 ? 6379 : dns.Port)}",
        IPEndPoint { AddressFamily: AddressFamily.InterNetworkV6 } ip => $"[{ip.Address}]:{(ip.Port == 0 ? 6379 : ip.Port)}",
        IPEndPoint ip => $"{ip.Address}:{(ip.Port == 0 ? 6379 : ip.Port)}",
        _ => endpoint.ToString() ?? "?",
    };
}
