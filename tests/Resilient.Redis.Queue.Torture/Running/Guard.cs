using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Resilient.Redis.Queue.Torture.Running;

/// <summary>A process that outlives the run by a moment: when the run is gone, however it went, it kills what the run has started and removes its folder.</summary>
/// <remarks>A frozen worker or Redis cannot see that the run is gone, and a killed run cannot tell them: so somebody else has to.</remarks>
internal sealed class Guard : IDisposable
{
    private const string Keep = "keep";

    private readonly Child _process;

    private Guard(Child process) => _process = process;

    public static Guard Start(string folder) => new(Child.Start("guard", folder));

    public void Watch(int processId) => _process.Order(string.Create(CultureInfo.InvariantCulture, $"+{processId}"));

    public void Forget(int processId) => _process.Order(string.Create(CultureInfo.InvariantCulture, $"-{processId}"));

    public void KeepFolder() => _process.Order(Keep);

    /// <summary>Waits until it has cleared up.</summary>
    public async Task EndAsync()
    {
        _process.CloseInput();
        await _process.EndsWithinAsync(TimeSpan.FromSeconds(20));
    }

    public void Dispose() => _process.Dispose();

    /// <summary>The guard's own program.</summary>
    public static int Run(string folder)
    {
        // Ctrl+C goes to the whole process group, and this one has to stay until the others are gone.
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, static signal => signal.Cancel = true);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, static signal => signal.Cancel = true);
        using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, static signal => signal.Cancel = true);
        var (watched, keep) = (new Dictionary<int, DateTime>(), false);
        while (Console.In.ReadLine() is { } line)
        {
            keep |= line == Keep;
            if (!int.TryParse(line.AsSpan(1), CultureInfo.InvariantCulture, out var id))
                continue;
            if (line[0] == '-')
                watched.Remove(id);
            else if (StartOf(id) is { } start)
                watched[id] = start;
        }

        foreach (var (id, start) in watched)
            Kill(id, start);
        if (!keep)
            Remove(folder);
        return 0;
    }

    private static DateTime? StartOf(int id)
    {
        try
        {
            using var process = Process.GetProcessById(id);
            return process.StartTime;
        }
        catch (Exception error) when (error is ArgumentException or InvalidOperationException or Win32Exception)
        {
            return null; // ended already
        }
    }

    /// <summary>Only where the number still is that process, and has not gone to another.</summary>
    private static void Kill(int id, DateTime start)
    {
        if (StartOf(id) is not { } found || (found - start).Duration() > TimeSpan.FromSeconds(1))
            return;
        using var process = Process.GetProcessById(id);
        process.Kill();
    }

    private static void Remove(string folder)
    {
        for (var attempt = 0; attempt < 20 && Directory.Exists(folder); attempt++)
        {
            try
            {
                Directory.Delete(folder, recursive: true);
            }
            catch (IOException)
            {
                Thread.Sleep(100); // a process that was killed a moment ago may still be writing
            }
        }
    }
}
