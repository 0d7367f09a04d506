using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Hosting;
using Resilient.Redis.Queue.Tests.Integration;

namespace Resilient.Redis.Queue.Tests.Processes;

/// <summary>A worker that says when each handler starts and ends, on a clock that all processes share, until it is killed or told to stop.</summary>
internal static class WorkerProgram
{
    public static Task RunAsync(string endpoint, TimeSpan lease, int concurrency, int maxDeliveries)
    {
        var script = new Script { Do = RunAsync };
        var host = Program.Build(
            endpoint, script, o => (o.Lease, o.MaxDeliveries) = (lease, maxDeliveries), o => (o.Concurrency, o.ShutdownGrace) = (concurrency, TimeSpan.FromMilliseconds(200)));
        return host.RunAsync(); // disposes it, too
    }

    private static async Task RunAsync(DoJob job, JobContext context, CancellationToken token)
    {
        Tell($"started {context.Id} {context.FenceToken} {context.Attempt}");
        try
        {
            await DoAsync(job.What.Split(':'), context, token);
        }
        finally
        {
            Tell($"ended {context.Id} {context.FenceToken} {context.StopReason}");
        }
    }

    private static async Task DoAsync(string[] what, JobContext context, CancellationToken token)
    {
        switch (what[0])
        {
            case "short":
                break;
            case "long":
                await Task.Delay(Timeout.Infinite, token);
                break;
            case "work":
                await Task.Delay(Milliseconds(), token);
                break;
            case "stubborn":
                await Task.Delay(Milliseconds(), CancellationToken.None);
                break;
            case "block": // sync over async: a thread of the pool is gone for as long
                Thread.Sleep(Milliseconds());
                break;
            case "kill":
                await Task.Delay(Milliseconds(), CancellationToken.None);
                Process.GetCurrentProcess().Kill();
                break;
            default:
                throw new ArgumentException($"Nobody knows how to '{what[0]}'.");
        }

        context.SetResult(Environment.ProcessId);

        int Milliseconds() => int.Parse(what[1], CultureInfo.InvariantCulture);
    }

    private static void Tell(string what) => Console.WriteLine($"{what} {Stopwatch.GetTimestamp()}");
}
