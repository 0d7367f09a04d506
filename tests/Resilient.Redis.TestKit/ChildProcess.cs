using System.Collections.Concurrent;
using System.Diagnostics;
using System.Reflection;

namespace Resilient.Redis.TestKit;

/// <summary>A test assembly started as a process of its own, with what it prints.</summary>
public sealed class ChildProcess : IAsyncDisposable
{
    private readonly ConcurrentQueue<string> _lines = new();
    private readonly Process _process;

    private ChildProcess(Process process) => _process = process;

    public IReadOnlyList<string> Lines => [.. _lines];

    /// <param name="program">The assembly with the Main.</param>
    /// <param name="arguments">As on the command line.</param>
    public static ChildProcess Start(Assembly program, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true };
        foreach (var argument in (string[])["exec", program.Location, .. arguments])
            start.ArgumentList.Add(argument);
        var child = new ChildProcess(Process.Start(start)!);
        child._process.OutputDataReceived += (_, line) =>
        {
            if (line.Data is not null)
                child._lines.Enqueue(line.Data);
        };
        child._process.BeginOutputReadLine();
        return child;
    }

    public Task PrintsAsync(string text, TimeSpan within) =>
        Eventually.TrueAsync(() => _lines.Any(line => line.Contains(text, StringComparison.Ordinal)), within, () => $"no '{text}' in: {string.Join('\n', _lines)}");

    /// <summary>SIGKILL.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>SIGTERM, as an orchestrator sends it.</summary>
    public async Task TerminateAsync()
    {
        Signals.Send(_process.Id, Signals.Terminate);
        await _process.WaitForExitAsync();
    }

    /// <summary>SIGSTOP: it holds its sockets and its leases, and does nothing.</summary>
    public void Freeze() => Signals.Send(_process.Id, Signals.Stop);

    /// <summary>SIGCONT.</summary>
    public void Thaw() => Signals.Send(_process.Id, Signals.Continue);

    public bool HasExited => _process.HasExited;

    public int ProcessId => _process.Id;

    public Task WaitForExitAsync() => _process.WaitForExitAsync();

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            await KillAsync();
        _process.Dispose();
    }
}
