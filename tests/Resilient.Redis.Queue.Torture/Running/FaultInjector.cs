using System.Diagnostics;
using System.Globalization;
using Resilient.Redis.Queue.Torture.Children;
using Resilient.Redis.Queue.Torture.Recording;
using Resilient.Redis.TestKit;
using StackExchange.Redis;

namespace Resilient.Redis.Queue.Torture.Running;

/// <summary>Breaks what the schedule says, mends it, and writes both times down.</summary>
internal sealed class FaultInjector(RedisServer redis, Fleet fleet, Guard guard, Journal journal)
{
    public const int MemoryBytes = 128 * 1024 * 1024;

    private const string Redis = "redis";
    private const string Ballast = "ballast";

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
        var who = fault.Kind is FaultKind.KillRedis or FaultKind.RestartRedis or FaultKind.FreezeRedis or FaultKind.FillMemory ? Redis : slot.Name;
        await (fault.Kind switch
        {
            FaultKind.KillWorker => KillWorkerAsync(fault, who),
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
        if (fault.Kind != FaultKind.KillWorker)
            journal.Write((now, _) => new Fault(began, who, fault.Kind, now));
    }

    private static async Task ForAsync(TimeSpan length, Action breakIt, Action mendIt)
    {
        breakIt();
        await Task.Delay(length);
        mendIt();
    }

    private async Task KillWorkerAsync(PlannedFault fault, string who)
    {
        await fleet.KillAsync(fault.Slot);
        journal.Write((now, _) => new Fault(now, who, FaultKind.KillWorker, now));
        await Task.Delay(fault.Length);
        fleet.Start(fault.Slot);
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

    /// <summary>One value as large as what is left, and a little more: from there on Redis says OOM to whoever wants to store.</summary>
    private async Task FillMemoryAsync(TimeSpan length)
    {
        await using var connection = await redis.ConnectAsync();
        var database = connection.GetDatabase();
        await database.StringSetRangeAsync(Ballast, MemoryBytes, "x");
        await Task.Delay(length);
        await database.KeyDeleteAsync(Ballast);
    }
}
