using System.Diagnostics;
using System.Net.Sockets;
using System.Text;

namespace Resilient.Redis.TestKit;

/// <summary>A real redis-server process, which can be killed, frozen and restarted on its port.</summary>
public sealed class RedisServer : TestServer
{
    private static readonly string? s_path = Find("redis-server");

    private readonly string[] _arguments;
    private readonly string? _sentinel;
    private readonly DirectoryInfo _folder;
    private Process? _process;

    private RedisServer(int port, string[] arguments, string? sentinel = null)
    {
        Port = port;
        _arguments = arguments;
        _sentinel = sentinel;
        _folder = Directory.CreateTempSubdirectory("resilient-redis-test-");
    }

    public static bool IsInstalled => s_path is not null;

    public override int Port { get; }

    /// <summary>Where it keeps its files.</summary>
    public string Folder => _folder.FullName;

    public int ProcessId => _process?.Id ?? throw new InvalidOperationException("The server is not running.");

    /// <param name="arguments">As on the command line, for example <c>--requirepass secret</c>. Without persistence unless asked for.</param>
    public static new Task<RedisServer> StartAsync(params string[] arguments) => StartAsync(arguments, null);

    /// <param name="configuration">The lines of its configuration file, without the port.</param>
    public static Task<RedisServer> StartSentinelAsync(string configuration) => StartAsync([], configuration);

    private static async Task<RedisServer> StartAsync(string[] arguments, string? sentinel)
    {
        // A port that was free a moment ago may be taken by now: try another.
        for (var attempt = 1; ; attempt++)
        {
            var server = new RedisServer(Ports.Free(), arguments, sentinel);
            try
            {
                await server.LaunchAsync();
                return server;
            }
            catch (InvalidOperationException) when (attempt < 3)
            {
                await server.DisposeAsync();
            }
        }
    }

    /// <summary>SIGKILL: no goodbye, no last save.</summary>
    public override async Task KillAsync()
    {
        if (_process is { HasExited: false } process)
        {
            process.Kill();
            await process.WaitForExitAsync();
        }
    }

    public override Task RestartAsync() => LaunchAsync();

    /// <summary>SIGSTOP: sockets stay open, the kernel acknowledges, and nothing answers.</summary>
    public void Freeze() => Signals.Send(ProcessId, Signals.Stop);

    /// <summary>SIGCONT.</summary>
    public void Thaw() => Signals.Send(ProcessId, Signals.Continue);

    public override async ValueTask DisposeAsync()
    {
        await KillAsync();
        _process?.Dispose();
        _folder.Delete(recursive: true);
    }

    private async Task LaunchAsync()
    {
        _process?.Dispose();
        var start = new ProcessStartInfo(s_path!)
        {
            WorkingDirectory = _folder.FullName,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var argument in Arguments())
            start.ArgumentList.Add(argument);
        _process = Process.Start(start)!;
        var output = new StringBuilder();
        _process.OutputDataReceived += (_, e) => { lock (output) output.AppendLine(e.Data); };
        _process.ErrorDataReceived += (_, e) => { lock (output) output.AppendLine(e.Data); };
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();

        await Eventually.TrueAsync(
            async () => _process.HasExited || await AnswersAsync(),
            TimeSpan.FromSeconds(20),
            () => { lock (output) return $"redis-server did not answer on port {Port}: {output}"; });
        if (_process.HasExited)
            lock (output)
                throw new InvalidOperationException($"redis-server ended with code {_process.ExitCode}: {output}");
    }

    private string[] Arguments()
    {
        if (_sentinel is null)
            return ["--port", $"{Port}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--daemonize", "no", .. _arguments];

        // A sentinel writes what it learns into its file, and finds it there when it is restarted.
        var file = Path.Combine(_folder.FullName, "sentinel.conf");
        if (!File.Exists(file))
            File.WriteAllText(file, $"port {Port}\nbind 127.0.0.1\n{_sentinel}\n");
        return [file, "--sentinel"];
    }

    /// <summary>Any reply will do: NOAUTH and LOADING are answers too.</summary>
    private async Task<bool> AnswersAsync()
    {
        using var client = new TcpClient();
        try
        {
            await client.ConnectAsync("127.0.0.1", Port);
            var stream = client.GetStream();
            await stream.WriteAsync("PING\r\n"u8.ToArray());
            return await stream.ReadAsync(new byte[16]).AsTask().WaitAsync(TimeSpan.FromSeconds(1)) > 0;
        }
        catch (Exception error) when (error is SocketException or IOException or TimeoutException)
        {
            return false;
        }
    }

    private static string? Find(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Select(folder => Path.Combine(folder, OperatingSystem.IsWindows() ? program + ".exe" : program))
            .FirstOrDefault(File.Exists);
}
