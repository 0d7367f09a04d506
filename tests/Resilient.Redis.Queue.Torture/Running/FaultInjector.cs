using System.Diagnostics;
using System.Globalization;
using Resilient.Redis.Queue.Torture.Children;
using Resilient.Redis.Queue.Torture.Recording;
using Resilient.Redis.TestKit;
using StackExchange.Redis;

namespace Resilient.Redis.Queue.Torture.Running;

/// <summary>Breaks what the schedule says, mends it, and writes both times down.</summary>
internal sealed class FaultInjector(RedisServer redis, Fleet fleet, Guard guard, RecordingQueue queue, Journal journal)
{
    public const int MemoryBytes = 128 * 1024 * 1024;

    private const string Redis = "redis";
    private const string Queue = "queue";
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_longestMending = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan s_longestStop = TimeSpan.FromSeconds(20);

    /// <summary>Returns when all is mended.</summary>
    public async Task RunAsync(IReadOnlyList<PlannedFault> schedule)
    {
        var started = Journal.Now;
        List<Task> broken = [];
        foreach (var fault in schedule)
        {
            if (started + fault.At - Journal.Now is { Ticks: > 0 } left)
                await Task.Delay(left);
            broken.Add(InjectAsync(fault));
        }

        await Task.WhenAll(broken);
    }

    private async Task InjectAsync(PlannedFault fault)
    {
        var (slot, began) = (fleet.Slots[fault.Slot], Journal.Now);
        var who = fault.Kind switch
        {
            FaultKind.KillRedis or FaultKind.RestartRedis or FaultKind.FreezeRedis or FaultKind.FillMemory => Redis,
            FaultKind.PoisonJob => Queue,
            _ => slot.Name,
        };
        await (fault.Kind switch
        {
            FaultKind.KillWorker => EndWorkerAsync(fault, who, static child => child.KillAsync()),
            FaultKind.StopWorker => EndWorkerAsync(fault, who, StopAsync),
            FaultKind.PoisonJob => PoisonAsync(),
            FaultKind.FreezeWorker => ForAsync(fault.Length, slot.Child!.Freeze, slot.Child!.Thaw),
            FaultKind.StarvePool => ForAsync(fault.Length, () => slot.Child!.Order(string.Create(CultureInfo.InvariantCulture, $"{WorkerProgram.Starve}{fault.Length.TotalMilliseconds:0}")), () => { }),
            FaultKind.CutSocket => Task.Run(() => Cut(slot.Proxy, fault.Number)),
            FaultKind.SilenceSocket => ForAsync(fault.Length, () => slot.Proxy.Silence(newOnesToo: fault.Number % 2 == 0), slot.Proxy.Speak),
            FaultKind.KillRedis => KillRedisAsync(fault.Length),
            FaultKind.RestartRedis => RestartRedisAsync(),
            FaultKind.FreezeRedis => ForAsync(fault.Length, redis.Freeze, redis.Thaw),
            FaultKind.FillMemory => FillMemoryAsync(fault.Length),
            _ => throw new InvalidOperationException($"{fault.Kind} cannot be injected."),
        });
        if (fault.Kind is not FaultKind.KillWorker and not FaultKind.StopWorker)
            journal.Write((now, _) => new Fault(began, who, fault.Kind, now));
    }

    private static async Task ForAsync(TimeSpan length, Action breakIt, Action mendIt)
    {
        breakIt();
        await Task.Delay(length);
        mendIt();
    }

    /// <summary>From the order until the process is gone: a busy machine takes its time, and what the process has begun to write meanwhile is lost.</summary>
    private Task EndWorkerAsync(PlannedFault fault, string who, Func<Child, Task> end) => fleet.ReplaceAsync(
        fault.Slot,
        async child =>
        {
            var began = Journal.Now;
            await end(child);
            journal.Write((now, _) => new Fault(began, who, fault.Kind, now));
        },
        fault.Length);

    /// <summary>As a service manager stops a worker: it hands back what it cannot finish.</summary>
    private static async Task StopAsync(Child child)
    {
        child.Order(Orders.Stop);
        await child.EndsWithinAsync(s_longestStop);
    }

    private async Task PoisonAsync()
    {
        var id = JobId.New();
        var tried = new Tried(default, "", id.Value, Destiny.Killer);
        while (await queue.EnqueueAsync((tried, new TortureJob(JobKind.Killer, 0), new EnqueueOptions { Id = id })) != Answer.Stored)
            await Task.Delay(s_pause);
    }

    private static void Cut(FaultProxy proxy, int number)
    {
        switch (number % 3)
        {
            case 0:
                proxy.Reset();
                break;
            case 1:
                proxy.CutAfterRequestBytes(number / 3 % 2000);
                break;
            default:
                proxy.CutAfterReplyBytes(number / 3 % 2000);
                break;
        }
    }

    private async Task KillRedisAsync(TimeSpan length)
    {
        guard.Forget(redis.ProcessId);
        await redis.KillAsync();
        await Task.Delay(length);
        await StartRedisAsync();
    }

    /// <summary>SIGTERM, as a service manager restarts it.</summary>
    private async Task RestartRedisAsync()
    {
        using var process = Process.GetProcessById(redis.ProcessId);
        guard.Forget(redis.ProcessId);
        using var kill = Process.Start("kill", string.Create(CultureInfo.InvariantCulture, $"-TERM {redis.ProcessId}"));
        await process.WaitForExitAsync();
        await StartRedisAsync();
    }

    private async Task StartRedisAsync()
    {
        await redis.RestartAsync();
        guard.Watch(redis.ProcessId);
    }

    /// <summary>Less memory than is in use: from there on Redis says OOM to whoever wants to store, as it does when it is full.</summary>
    private async Task FillMemoryAsync(TimeSpan length)
    {
        await using var connection = await redis.ConnectAsync();
        var server = connection.GetServers()[0];
        await UntilItSucceedsAsync(() => server.ConfigSetAsync("maxmemory", 1));
        await Task.Delay(length);
        await UntilItSucceedsAsync(() => server.ConfigSetAsync("maxmemory", MemoryBytes));
    }

    /// <summary>On a machine that has no time for it a call may fail, and a run that leaves Redis broken proves nothing.</summary>
    private static async Task UntilItSucceedsAsync(Func<Task> call)
    {
        for (var until = Journal.Now + s_longestMending; ;)
        {
            try
            {
                await call();
                return;
            }
            catch (Exception error) when (error is RedisException or TimeoutException && Journal.Now < until)
            {
                await Task.Delay(s_pause);
            }
        }
    }
}
