using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Resilient.Redis.Queue.Torture.Running;

/// <summary>This program once more, as a worker, a producer or the guard: a process that can be killed, frozen and given orders.</summary>
internal sealed partial class Child : IDisposable
{
    private static readonly int s_stop = OperatingSystem.IsMacOS() ? 17 : 19;
    private static readonly int s_continue = OperatingSystem.IsMacOS() ? 19 : 18;

    private static readonly string[] s_variables = ["REDIS_URL", "REDIS_TIMEOUT", "REDIS_SOCKET_KEEPALIVE", "REDIS_CONNECTION_POOL_SIZE", "AGGRESSIVE_MEMORY_MANAGEMENT"];

    private readonly Process _process;

    private Child(Process process) => _process = process;

    public int Id => _process.Id;

    public bool IsAlive => !_process.HasExited;

    public static Child Start(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardInput = true };
        foreach (var argument in (string[])["exec", typeof(Program).Assembly.Location, .. arguments])
            start.ArgumentList.Add(argument);
        foreach (var variable in s_variables)
            start.Environment.Remove(variable);
        return new Child(Process.Start(start)!);
    }

    /// <summary>Nothing happens where it has ended: the order was for somebody who is gone.</summary>
    public void Order(string line)
    {
        try
        {
            _process.StandardInput.WriteLine(line);
            _process.StandardInput.Flush();
        }
        catch (IOException)
        {
            // Ended.
        }
    }

    public void Freeze() => Signal(s_stop);

    public void Thaw() => Signal(s_continue);

    /// <summary>SIGKILL.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <returns>False when it would not end in time, and was killed.</returns>
    public async Task<bool> EndsWithinAsync(TimeSpan longest)
    {
        using var limit = new CancellationTokenSource(longest);
        try
        {
            await _process.WaitForExitAsync(limit.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            await KillAsync();
            return false;
        }
    }

    /// <summary>The end of its input, which tells the guard that this process is done.</summary>
    public void CloseInput() => _process.StandardInput.Close();

    public void Dispose() => _process.Dispose();

    private void Signal(int signal)
    {
        // One that has ended meanwhile, killed by a job, can be neither frozen nor thawed.
        if (IsAlive && Kill(_process.Id, signal) != 0 && IsAlive)
            throw new InvalidOperationException($"kill({_process.Id}, {signal}) failed with errno {Marshal.GetLastPInvokeError()}.");
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int processId, int signal);
}
