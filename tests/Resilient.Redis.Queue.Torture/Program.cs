using Resilient.Redis.Queue.Torture.Children;
using Resilient.Redis.Queue.Torture.Running;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Torture;

/// <summary>Tortures a queue: worker and producer processes on a Redis that is killed, frozen, cut off and filled. See docs/protocol.md.</summary>
/// <returns>0: all promises held; 1: one was broken; 2: the run itself could not be made.</returns>
public static class Program
{
    public static async Task<int> Main(string[] args)
    {
        switch (args)
        {
            case ["worker", var name, var endpoint, var folder, var stopInDoubt]:
                return await WorkerProgram.RunAsync(name, endpoint, folder, bool.Parse(stopInDoubt));
            case ["producer", var name, var endpoint, var folder, var seed]:
                return await ProducerProgram.RunAsync(name, endpoint, folder, int.Parse(seed, System.Globalization.CultureInfo.InvariantCulture));
            case ["guard", var folder]:
                return Guard.Run(folder);
        }

        CommandLine line;
        try
        {
            line = CommandLine.Parse(args);
        }
        catch (ArgumentException error)
        {
            Console.Error.WriteLine($"{error.Message}\n{CommandLine.Usage}");
            return 2;
        }

        if (!RedisServer.IsInstalled || OperatingSystem.IsWindows())
        {
            Console.Error.WriteLine("The torture run kills and stops processes by signals and needs redis-server on the PATH: install it, on Linux or macOS.");
            return 2;
        }

        return await TortureRun.RunAsync(line);
    }
}
