using Garnet;
using Garnet.common;

namespace Resilient.Redis.TestKit;

/// <summary>Garnet inside the test process, set as the sample sets it.</summary>
public sealed class GarnetHost : TestServer
{
    private GarnetServer? _server;

    private GarnetHost(int port) => Port = port;

    public override int Port { get; }

    public static Task<GarnetHost> StartAsync()
    {
        for (var attempt = 1; ; attempt++)
        {
            var host = new GarnetHost(Ports.Free());
            try
            {
                host.Launch();
                return Task.FromResult(host);
            }
            catch (GarnetException) when (attempt < 3)
            {
                // The port was taken in between: try another.
            }
        }
    }

    public override Task KillAsync()
    {
        _server?.Dispose();
        _server = null;
        return Task.CompletedTask;
    }

    public override Task RestartAsync()
    {
        Launch();
        return Task.CompletedTask;
    }

    public override async ValueTask DisposeAsync() => await KillAsync();

    private void Launch()
    {
        // Without --lua-transaction-mode a Lua script on Garnet is not atomic.
        _server = new GarnetServer(["--port", $"{Port}", "--bind", "127.0.0.1", "--lua", "--lua-transaction-mode", "--memory", "64m", "--index", "4m", "-q"]);
        _server.Start();
    }
}
