using System.Net;
using Resilient.Redis.Options;
using StackExchange.Redis;

namespace Resilient.Redis.Resilience;

/// <summary>What the other members of its cluster say of a server that is silent on every connection.</summary>
/// <remarks>
/// As long as its sockets are open the driver sends it the keys that it once had, although a replica has long taken over.
/// With them closed the driver asks another member, and is told where those keys are.
/// </remarks>
internal static class ClusterVerdict
{
    /// <summary>A script, since the driver sends no CLUSTER without allowAdmin, and that is the application's to decide.</summary>
    private const string Question = "return redis.call('CLUSTER', 'NODES')";

    /// <summary>Whether they have agreed that it has failed: then there is nothing to wait for. False too where nobody can be asked.</summary>
    public static async Task<bool> HasFailedAsync(IConnectionMultiplexer multiplexer, EndPoint server, TimeSpan patience, TimeProvider time, CancellationToken cancellationToken)
    {
        foreach (var member in multiplexer.GetServers().Where(other => other.IsConnected && other.ServerType == ServerType.Cluster && !other.EndPoint.Equals(server)))
        {
            try
            {
                var nodes = (string?)await member.ExecuteAsync("EVAL", Question, 0).WaitAsync(patience, time, cancellationToken).ConfigureAwait(false);
                return IsFailed(nodes ?? "", ResolvedRedisOptions.Text(server));
            }
            catch (Exception error) when (error is RedisException or RedisCommandException or TimeoutException or ObjectDisposedException)
            {
                // Another member may know.
            }
        }

        return false;
    }

    /// <summary>A line is: id, host:port@bus with perhaps a name, flags. A failure that only one member suspects is "fail?".</summary>
    internal static bool IsFailed(string nodes, string server) => nodes.Split('\n').Any(line =>
        line.Split(' ') is [_, var address, var flags, ..] && address.StartsWith(server + "@", StringComparison.Ordinal) && flags.Split(',').Contains("fail"));
}
