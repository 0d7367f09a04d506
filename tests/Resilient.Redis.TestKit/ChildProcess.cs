using System.Collections.Concurrent;
using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;

namespace Resilient.Redis.TestKit;

/// <summary>A test assembly started as a process of its own, with what it prints.</summary>
public sealed partial class ChildProcess : IAsyncDisposable
{
    private const int SigTerm = 15;

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
        if (Kill(_process.Id, SigTerm) != 0)
            throw new InvalidOperationException($"kill failed with errno {Marshal.GetLastPInvokeError()}.");
        await _process.WaitForExitAsync();
    }

    public Task WaitForExitAsync() => _process.WaitForExitAsync();

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            await KillAsync();
        _process.Dispose();
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int processId, int signal);
}
