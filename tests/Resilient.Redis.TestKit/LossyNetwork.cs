using System.Diagnostics;
using System.Runtime.Versioning;
using Xunit;

namespace Resilient.Redis.TestKit;

/// <summary>A redis-server in a network namespace of its own, on the other end of a virtual cable that can lose packets for real.</summary>
/// <remarks>Unlike behind a proxy nobody acknowledges what is lost: the sender's own system sees it.</remarks>
[SupportedOSPlatform("linux")]
public sealed class LossyNetwork : IAsyncDisposable
{
    private readonly string _name = $"rr{Random.Shared.Next(10_000_000)}";
    private readonly int _net = Random.Shared.Next(0, 16000);
    private Process? _server;

    public static bool IsPossible { get; } = TryAll();

    public string Host => $"10.213.{_net / 64}.{((_net % 64) * 4) + 1}";

    public string Endpoint => $"{Host}:6379";

    private string Near => $"10.213.{_net / 64}.{((_net % 64) * 4) + 2}";

    public static async Task<LossyNetwork> StartAsync()
    {
        var network = new LossyNetwork();
        try
        {
            foreach (var command in network.Making())
                await RunAsync(command);
            network._server = Process.Start(new ProcessStartInfo("ip", $"netns exec {network._name} redis-server --bind {network.Host} --protected-mode no --save \"\" --appendonly no") { RedirectStandardOutput = true })!;
            network._server.BeginOutputReadLine();
            await Eventually.TrueAsync(() => network.AnswersAsync(), TimeSpan.FromSeconds(10), () => $"no redis-server at {network.Endpoint}");
            return network;
        }
        catch
        {
            await network.DisposeAsync();
            throw;
        }
    }

    /// <summary>From now on every packet of these connections is lost, both ways; others pass.</summary>
    /// <param name="clientPorts">The client's ports.</param>
    public Task LoseAsync(IReadOnlyCollection<int> clientPorts) =>
        RunAsync($"ip netns exec {_name} nft add element ip loss ports {{ {string.Join(", ", clientPorts)} }}");

    public async ValueTask DisposeAsync()
    {
        if (_server is { HasExited: false })
        {
            _server.Kill(entireProcessTree: true);
            await _server.WaitForExitAsync();
        }

        _server?.Dispose();
        await RunAsync($"ip netns del {_name}", mustWork: false);      // takes both ends of the cable with it
    }

    private IEnumerable<string> Making()
    {
        yield return $"ip netns add {_name}";
        yield return $"ip link add {_name}a type veth peer name {_name}b netns {_name}";
        yield return $"ip addr add {Near}/30 dev {_name}a";
        yield return $"ip link set {_name}a up";
        yield return $"ip netns exec {_name} ip addr add {Host}/30 dev {_name}b";
        yield return $"ip netns exec {_name} ip link set {_name}b up";
        yield return $"ip netns exec {_name} nft add table ip loss";
        yield return $"ip netns exec {_name} nft add set ip loss ports {{ type inet_service; }}";
        yield return $"ip netns exec {_name} nft add chain ip loss in {{ type filter hook input priority 0; }}";
        yield return $"ip netns exec {_name} nft add chain ip loss out {{ type filter hook output priority 0; }}";
        yield return $"ip netns exec {_name} nft add rule ip loss in tcp sport @ports drop";
        yield return $"ip netns exec {_name} nft add rule ip loss out tcp dport @ports drop";
    }

    private static bool TryAll()
    {
        var network = new LossyNetwork();
        try
        {
            foreach (var command in network.Making())
            {
                if (!Run(command))
                    return false;
            }

            return RedisServer.IsInstalled;
        }
        finally
        {
            Run($"ip netns del {network._name}");
        }
    }

    private async Task<bool> AnswersAsync()
    {
        using var client = new System.Net.Sockets.TcpClient();
        try
        {
            await client.ConnectAsync(Host, 6379).WaitAsync(TimeSpan.FromSeconds(1));
            return true;
        }
        catch (Exception error) when (error is System.Net.Sockets.SocketException or TimeoutException)
        {
            return false;
        }
    }

    private static bool Run(string command)
    {
        try
        {
            using var process = Start(command);
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;       // no such program
        }
    }

    private static async Task RunAsync(string command, bool mustWork = true)
    {
        using var process = Start(command);
        var error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (mustWork && process.ExitCode != 0)
            throw new InvalidOperationException($"{command}: {error}");
    }

    private static Process Start(string command)
    {
        var words = command.Split(' ', 2);
        return Process.Start(new ProcessStartInfo(words[0], words[1]) { RedirectStandardError = true, RedirectStandardOutput = true })!;
    }
}

/// <summary>A fact that needs packets to be lost for real.</summary>
public sealed class LossyNetworkFactAttribute : FactAttribute
{
    /// <summary>CI lets exactly this reason pass where namespaces cannot be made.</summary>
    public const string NotHere = "This machine does not let us make network namespaces (root, ip and nft are needed).";

    public LossyNetworkFactAttribute()
    {
        if (!OperatingSystem.IsLinux() || !LossyNetwork.IsPossible)
            Skip = NotHere;
    }
}
