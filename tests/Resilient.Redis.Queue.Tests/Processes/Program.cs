using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Resilient.Redis.Queue.Tests.Integration;

namespace Resilient.Redis.Queue.Tests.Processes;

/// <summary>This assembly as a program: the worker processes that tests kill, stop and measure.</summary>
public static class Program
{
    public static Task Main(string[] args)
    {
        ThreadPool.SetMinThreads(Environment.ProcessorCount, Environment.ProcessorCount); // as any program's, and not the test host's
        return RunAsync(args);
    }

    private static Task RunAsync(string[] args) => args switch
    {
        ["worker", var endpoint, var lease, var concurrency, var maxDeliveries] => WorkerProgram.RunAsync(
            endpoint, TimeSpan.Parse(lease, CultureInfo.InvariantCulture), int.Parse(concurrency, CultureInfo.InvariantCulture), int.Parse(maxDeliveries, CultureInfo.InvariantCulture)),
        ["memory", var endpoint, var aggressive] => MeasureMemoryAsync(endpoint, bool.Parse(aggressive)),
        _ => throw new ArgumentException("worker ENDPOINT LEASE CONCURRENCY MAX_DELIVERIES | memory ENDPOINT true|false"),
    };

    /// <summary>A burst of 40 jobs that each fill 64 MB, then idleness: how much memory is kept, and what giving it back costs.</summary>
    private static async Task MeasureMemoryAsync(string endpoint, bool aggressive)
    {
        const int Jobs = 40;
        var peak = 0L;
        var script = new Script
        {
            Do = (_, _, _) =>
            {
                var matrix = Enumerable.Range(0, 1024).Select(_ => new byte[64 * 1024]).ToArray();
                foreach (var row in matrix)
                    row.AsSpan().Fill(1);
                lock (endpoint)
                    peak = Math.Max(peak, WorkingSet());
                GC.KeepAlive(matrix);
                return Task.CompletedTask;
            },
        };
        using var host = Build(endpoint, script, o => o.Lease = TimeSpan.FromSeconds(3), o => (o.Concurrency, o.AggressiveMemoryManagement) = (2, aggressive));
        await host.StartAsync();
        var queue = host.Services.GetRequiredService<IJobQueue>();
        var clock = Stopwatch.StartNew();
        var ids = new List<JobId>();
        for (var i = 0; i < Jobs; i++)
            ids.Add((await queue.EnqueueAsync(new DoJob("large"))).Id);
        foreach (var id in ids)
            await queue.WaitForResultAsync<string>(id);
        var took = clock.Elapsed;

        // Idle for two of the least pauses between collections: the second comes after the last job.
        await Task.Delay(TimeSpan.FromSeconds(11));
        Console.WriteLine(JsonSerializer.Serialize(new MemoryReport(peak, WorkingSet(), took.TotalMilliseconds, GC.GetTotalPauseDuration().TotalMilliseconds)));
        await host.StopAsync();
    }

    internal static IHost Build(string endpoint, Script script, Action<JobQueueOptions> queue, Action<JobWorkerOptions> worker)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Services
            .AddSingleton(script)
            .AddResilientRedis(o => o.ConnectionString = endpoint)
            .AddQueue("test", queue)
            .AddHandler<DoJob, DoHandler>()
            .AddWorker(worker);
        return builder.Build();
    }

    private static long WorkingSet()
    {
        using var process = Process.GetCurrentProcess();
        return process.WorkingSet64;
    }
}

/// <param name="Peak">The largest working set seen in a handler, bytes.</param>
/// <param name="After">The working set when the worker had been idle for a while, bytes.</param>
/// <param name="TookMs">How long the burst took.</param>
/// <param name="PausedMs">How long the garbage collector stopped all threads in all.</param>
public sealed record MemoryReport(long Peak, long After, double TookMs, double PausedMs);
