using Resilient.Redis.Queue.Torture.Checking;
using Resilient.Redis.Queue.Torture.Children;
using Resilient.Redis.Queue.Torture.Recording;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Torture.Running;

/// <summary>One run: start all, break things, mend them, drain the queues, and judge what was written down.</summary>
internal static class TortureRun
{
    private static readonly TimeSpan s_start = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_stop = TimeSpan.FromSeconds(30);

    public static async Task<int> RunAsync(CommandLine line)
    {
        var folder = Directory.CreateTempSubdirectory("resilient-redis-torture-").FullName;
        Environment.SetEnvironmentVariable("TMPDIR", folder); // what Redis keeps goes there too, so that the guard removes it
        using var guard = Guard.Start(folder);
        try
        {
            var history = await RunAsync(line, guard, folder);
            var violations = HistoryChecker.Check(history);
            Report.Print(line, history, violations);
            if (line.Keep || violations.Count > 0)
            {
                guard.KeepFolder();
                Console.WriteLine($"journals           {folder}");
            }

            return violations.Count == 0 ? 0 : 1;
        }
        catch (Exception error) // Whatever it is, it says nothing of the queue; what was written down tells what happened.
        {
            guard.KeepFolder();
            Console.Error.WriteLine($"The run with the seed {line.Seed} could not be made: {error}\njournals           {folder}");
            return 2;
        }
        finally
        {
            await guard.EndAsync();
        }
    }

    private static async Task<History> RunAsync(CommandLine line, Guard guard, string folder)
    {
        // Each write is on disk before it is acknowledged: what Redis has confirmed survives its SIGKILL.
        await using var redis = await RedisServer.StartAsync(
            "--appendonly", "yes", "--appendfsync", "always", "--maxmemory", $"{FaultInjector.MemoryBytes}", "--maxmemory-policy", "noeviction");
        guard.Watch(redis.ProcessId);
        using var journal = new Journal(Path.Combine(folder, "control.jsonl"), Troubles.Control);
        StallWatch.Start(journal);
        using var ended = new CancellationTokenSource();
        var watching = StallWatch.WatchPoolAsync(journal, ended.Token);
        await using var control = await ControlPanel.OpenAsync(redis, journal);
        await using var fleet = new Fleet(redis, guard, folder, line.Seed);
        fleet.StartAll();
        await Eventually.TrueAsync(() => fleet.WorkerSlots.All(slot => HasWorked(folder, slot)), s_start, () => "a worker did not start");
        var reviving = fleet.ReviveAsync(ended.Token);

        var schedule = FaultSchedule.Make(line.Seed, line.Length, Fleet.Workers, Fleet.Producers);
        await new FaultInjector(redis, fleet, guard, control.Queue, journal).RunAsync(schedule);
        var healedAt = Journal.Now;

        var stuck = await Fleet.StopAsync(fleet.ProducerSlots, s_stop);
        await control.DrainAsync();
        var drainedAt = Journal.Now;
        await control.ProbeAsync();
        await control.DrainAsync();
        await ended.CancelAsync();
        await Task.WhenAll(watching, reviving);
        var alive = fleet.WorkerSlots.Where(slot => slot.Child!.IsAlive).Select(slot => slot.Name).ToList();
        var final = await control.ReadAsync() with { HealedAt = healedAt, DrainedAt = drainedAt, Alive = alive };
        stuck = [.. stuck, .. await Fleet.StopAsync(fleet.WorkerSlots, s_stop)];
        if (alive.Count < Fleet.Workers || stuck.Count > 0)
            final = final with { Inconsistency = $"{final.Inconsistency} {Fleet.Workers - alive.Count} workers ended by themselves; [{string.Join(", ", stuck)}] would not stop." };
        return new History(Settings.Lease, Settings.MaxDeliveries, Journal.ReadAll(folder), final);
    }

    private static bool HasWorked(string folder, Slot slot) =>
        new FileInfo(Path.Combine(folder, $"{slot.Name}.jsonl")) is { Exists: true, Length: > 1000 };
}
