using System.Diagnostics;

namespace Resilient.Redis.Queue.Torture.Children;

/// <summary>What the run tells its child on the child's standard input, read on a thread of its own since pools are starved here.</summary>
/// <remarks>The end of the input means that the run is gone: then the process ends at once.</remarks>
internal sealed class Orders
{
    public const string Stop = "stop";

    private readonly TaskCompletionSource _stop = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <param name="obey">Called for each order but <see cref="Stop"/>.</param>
    public Orders(Action<string> obey) => new Thread(() => Read(obey)) { IsBackground = true, Name = "orders" }.Start();

    /// <summary>Ends when the run says so.</summary>
    public Task Stopped => _stop.Task;

    private void Read(Action<string> obey)
    {
        while (Console.In.ReadLine() is { } line)
        {
            if (line == Stop)
                _stop.TrySetResult();
            else
                obey(line);
        }

        if (!_stop.Task.IsCompleted)
            Process.GetCurrentProcess().Kill(); // not Exit, which would wait for what is starved here
    }
}
