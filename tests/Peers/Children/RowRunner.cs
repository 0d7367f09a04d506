using System.Diagnostics;
using System.Text.Json;
using System.Threading.Channels;

namespace Resilient.Redis.Peers.Children;

/// <summary>A .NET contender's process: does one row's work as its parent asks, and ends with it. BullMQ/peer.js is the same for Node.</summary>
internal sealed class RowRunner(IPeer peer, string row, Handler handler)
{
    public static async Task<int> RunAsync(Contender contender, string row, int port)
    {
        var handler = new Handler(row == "drain-1ms" ? () => Task.Delay(1) : null);
        var slots = row switch
        {
            "drain" => contender == Contender.Hangfire ? Row.HangfireSlots : Row.Slots,
            "drain-1ms" => Row.Slots,
            "latency" => Row.IdleSlots,
            _ => 0,
        };
        IPeer peer = contender == Contender.Hangfire ? new HangfirePeer(port, slots, handler) : await OurPeer.StartAsync(port, slots, handler);
        if (row == "latency")
            await peer.ReleaseAsync();
        var runner = new RowRunner(peer, row, handler);
        var requests = Channel.CreateUnbounded<string>();
        new Thread(() => Listen(requests.Writer)) { IsBackground = true }.Start();
        Console.WriteLine(new Reply([]));
        await foreach (var line in requests.Reader.ReadAllAsync())
            Console.WriteLine(new Reply(await runner.DoAsync(JsonSerializer.Deserialize<Request>(line, JsonSerializerOptions.Web)!)));
        return 0;
    }

    /// <summary>Ends the process with its parent, also in the middle of work, and without a goodbye: a worker that stops in good order takes its time.</summary>
    private static void Listen(ChannelWriter<string> requests)
    {
        while (Console.In.ReadLine() is { } line)
            requests.TryWrite(line);
        Environment.Exit(0);
    }

    private async Task<double[]> DoAsync(Request request)
    {
        switch (request.Verb, row)
        {
            case ("prepare", "drain" or "drain-1ms"):
                await peer.HoldAsync();
                await peer.EnqueueManyAsync(request.Jobs);
                GC.Collect();
                return [];
            case ("prepare", _):
                GC.Collect();
                return [];
            case ("run", "drain" or "drain-1ms"):
                return [await DrainAsync(request.Jobs)];
            case ("run", "latency"):
                return await LatenciesAsync(request.Jobs, request.Idle);
            case ("run", "enqueue-1"):
                return [await TimeAsync(() => peer.EnqueueAsync(request.Jobs))];
            case ("run", "enqueue-64"):
                return [await TimeAsync(() => peer.EnqueueFromAsync(Row.Shares(request.Jobs)))];
            case ("run", "enqueue-many" or "memory"):
                return [await TimeAsync(() => peer.EnqueueManyAsync(request.Jobs))];
            default:
                throw new InvalidOperationException($"No work is known for '{request.Verb}' of row '{row}'.");
        }
    }

    private static async Task<double> TimeAsync(Func<Task> work)
    {
        var began = Stopwatch.GetTimestamp();
        await work();
        return Stopwatch.GetElapsedTime(began).TotalSeconds;
    }

    /// <summary>From the first handler's start, so that a server which has to be started has no worse of it, to the last settlement.</summary>
    private async Task<double> DrainAsync(int jobs)
    {
        handler.Rewind();
        var done = peer.Runs.NextAsync(jobs);
        await peer.ReleaseAsync();
        await done;
        await peer.SettledAsync();
        return Stopwatch.GetElapsedTime(handler.FirstStart).TotalSeconds;
    }

    private async Task<double[]> LatenciesAsync(int jobs, int idle)
    {
        var times = new double[jobs];
        for (var i = 0; i < jobs; i++)
        {
            var started = handler.NextStartAsync();
            var began = Stopwatch.GetTimestamp();
            await peer.EnqueueAsync(1);
            times[i] = Stopwatch.GetElapsedTime(began, await started).TotalSeconds;
            await Task.Delay(idle);
        }

        return times;
    }
}
