using System.Diagnostics;
using System.Text.Json;

namespace Resilient.Redis.Queue.Torture.Recording;

/// <summary>A file to which one process writes what it does, one line and one write each, so that a SIGKILL loses none that was written.</summary>
internal sealed class Journal(string path, string who) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly FileStream _file = new(path, FileMode.Append, FileAccess.Write, FileShare.Read, bufferSize: 0);

    public string Who => who;

    /// <summary>The machine's monotonic clock.</summary>
    public static TimeSpan Now => Stopwatch.GetElapsedTime(0);

    /// <param name="happening">Made inside the lock from the time and the name, so that the lines of a process are in the order of their times.</param>
    public void Write(Func<TimeSpan, string, Happening> happening)
    {
        lock (_gate)
        {
            var line = JsonSerializer.SerializeToUtf8Bytes(happening(Now, who));
            _file.Write([.. line, (byte)'\n']);
        }
    }

    /// <summary>All lines of all journals in a folder, in the order of their times. A last line that was cut off by a kill is left out.</summary>
    public static IReadOnlyList<Happening> ReadAll(string folder) =>
        [.. Directory.EnumerateFiles(folder, "*.jsonl").SelectMany(Read).OrderBy(happening => happening.At)];

    public void Dispose() => _file.Dispose();

    private static IEnumerable<Happening> Read(string path)
    {
        var text = File.ReadAllText(path);
        foreach (var line in text[..(text.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries))
            yield return JsonSerializer.Deserialize<Happening>(line)!;
    }
}
