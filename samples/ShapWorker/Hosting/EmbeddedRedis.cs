using System.Net;
using System.Net.Sockets;
using Garnet;
using Garnet.common;

namespace ShapWorker.Hosting;

/// <summary>A Redis-compatible server inside this process, in memory: so that the sample runs on a machine with nothing but the SDK.</summary>
internal sealed class EmbeddedRedis : IDisposable
{
    private readonly GarnetServer _server;

    private EmbeddedRedis(GarnetServer server, int port)
    {
        _server = server;
        Endpoint = $"127.0.0.1:{port}";
    }

    public string Endpoint { get; }

    /// <summary>Null when REDIS_URL names a server.</summary>
    /// <exception cref="SetupException">There is no REDIS_URL, and the role needs one.</exception>
    public static EmbeddedRedis? StartUnlessGiven(Role role)
    {
        if (!string.IsNullOrWhiteSpace(Environment.GetEnvironmentVariable("REDIS_URL")))
            return null;
        if (role != Role.All)
        {
            throw new SetupException(
                $"The role '{role.ToString().ToLowerInvariant()}' needs REDIS_URL: two embedded servers would never meet. "
                + "Set it, for example REDIS_URL=redis://localhost:6379; or start web and worker together, without a role.");
        }

        var embedded = Start();
        Console.WriteLine($"No REDIS_URL: started an embedded Garnet on {embedded.Endpoint}. It keeps jobs in memory only, until this process ends.");
        return embedded;
    }

    public static EmbeddedRedis Start()
    {
        for (var attempt = 1; ; attempt++)
        {
            var port = FreePort();
            // Without --lua-transaction-mode a Lua script on Garnet is not atomic, and the queue's promises would not hold.
            var server = new GarnetServer(["--port", $"{port}", "--bind", "127.0.0.1", "--lua", "--lua-transaction-mode", "--memory", "64m", "--index", "4m", "-q"]);
            try
            {
                server.Start();
                return new(server, port);
            }
            catch (GarnetException) when (attempt < 3)
            {
                // Another process took the port between our look and our bind: try another.
                server.Dispose();
            }
        }
    }

    public void Dispose() => _server.Dispose();

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
