using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Resilient.Redis.Queue.Torture.Recording;

namespace Resilient.Redis.Queue.Torture.Children;

/// <summary>A worker process: runs the jobs of both queues, writes down what it does, and starves its own pool on request.</summary>
internal static class WorkerProgram
{
    public const string Starve = "starve ";

    public static async Task<int> RunAsync(string name, string endpoint, string folder, bool stopInDoubt)
    {
        using var journal = new Journal(Path.Combine(folder, $"{name}.jsonl"), name);
        journal.Write((at, who) => new Opened(at, who, stopInDoubt));
        var orders = new Orders(order => StarvePool(int.Parse(order[Starve.Length..], CultureInfo.InvariantCulture)));
        StallWatch.Start(journal);

        var (builder, queues) = Settings.Build(endpoint);
        builder.Services.AddSingleton(journal);
        builder.Services.AddSingleton<ILoggerProvider>(new FileLog(Path.Combine(folder, $"{name}.log")));
        foreach (var queue in queues)
        {
            RecordingStore.Add(builder.Services, queue.Name, journal);
            queue.AddHandler<TortureJob, TortureHandler>().AddHandler<ReadableJob, TortureHandler>().AddWorker(o =>
            {
                o.Concurrency = Settings.ConcurrencyOf(queue.Name);
                o.Prefetch = 2;
                o.CallBesideFrom = 1; // both lanes of a session are in use all the time
                o.StopInDoubt = stopInDoubt;
                o.ShutdownGrace = TimeSpan.FromSeconds(1);
            });
        }

        using var host = builder.Build();
        await host.StartAsync();
        await orders.Stopped;
        await host.StopAsync();
        return 0;
    }

    /// <summary>Every thread that the pool has, and those that it adds meanwhile, is held for that time.</summary>
    private static void StarvePool(int milliseconds)
    {
        var until = Journal.Now + TimeSpan.FromMilliseconds(milliseconds);
        for (var i = 0; i < 500; i++)
        {
            ThreadPool.UnsafeQueueUserWorkItem(
                static until =>
                {
                    if (until - Journal.Now is { Ticks: > 0 } left)
                        Thread.Sleep(left);
                },
                until, preferLocal: false);
        }
    }
}
