using System.Globalization;
using Resilient.Redis.Peers.Children;
using Resilient.Redis.Peers.Parent;

namespace Resilient.Redis.Peers;

/// <summary>
/// Our queue beside Hangfire.Redis.StackExchange and BullMQ: the same job, machine and run, round by round in turns.
/// <c>dotnet run -c Release --project tests/Peers [-- --only ours,bullmq,hangfire] [--row KEY] [--quick] [--json FILE]</c>
/// </summary>
public static class Program
{
    public static async Task<int> Main(string[] args)
    {
        // The .NET contenders run in this program too, each in a process of its own.
        if (args is ["contender", var name, var row, var port])
            return await RowRunner.RunAsync(Contender.Named(name), row, int.Parse(port, CultureInfo.InvariantCulture));
        try
        {
            await new Comparison(Arguments.Parse(args)).RunAsync();
            return 0;
        }
        catch (CannotRunException error)
        {
            await Console.Error.WriteLineAsync(error.Message);
            return 2;
        }
    }
}
