using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Resilient.Redis.Queue.Storage;
using Resilient.Redis.Queue.Torture.Checking;
using Resilient.Redis.Queue.Torture.Children;
using Resilient.Redis.Queue.Torture.Recording;
using Resilient.Redis.TestKit;
using Xunit.Sdk;

namespace Resilient.Redis.Queue.Torture.Running;

/// <summary>One run: start all, break things, mend them, drain the queue, and judge what was written down.</summary>
internal static class TortureRun
{
    private static readonly TimeSpan s_drain = TimeSpan.FromSeconds(90);
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
        using var journal = new Journal(Path.Combine(folder, "control.jsonl"), "control");
        await using var fleet = new Fleet(redis, guard, folder, line.Seed);
        fleet.StartAll();
        await Eventually.TrueAsync(() => fleet.WorkerSlots.All(slot => HasWorked(folder, slot)), s_stop, () => "a worker did not start");

        var schedule = FaultSchedule.Make(line.Seed, line.Length, Fleet.Workers, Fleet.Producers);
        await new FaultInjector(redis, fleet, guard, journal).RunAsync(schedule);
        var healedAt = Journal.Now;

        using var control = ((HostApplicationBuilder)Settings.Build(redis.Endpoint).Builder).Build();
        await control.StartAsync();
        await ProbeAsync(control, journal);
        var stuck = await Fleet.StopAsync(fleet.ProducerSlots, s_stop);
        await DrainAsync(control);
        var alive = fleet.WorkerSlots.Where(slot => slot.Child!.IsAlive).Select(slot => slot.Name).ToList();
        var final = await ReadAsync(redis, control) with { HealedAt = healedAt, Alive = alive };
        stuck = [.. stuck, .. await Fleet.StopAsync(fleet.WorkerSlots, s_stop)];
        if (alive.Count < Fleet.Workers || stuck.Count > 0)
            final = final with { Inconsistency = $"{final.Inconsistency} {Fleet.Workers - alive.Count} workers ended by themselves; [{string.Join(", ", stuck)}] would not stop." };
        await control.StopAsync();
        return new History(Settings.Lease, Journal.ReadAll(folder), final);
    }

    private static bool HasWorked(string folder, Slot slot) =>
        new FileInfo(Path.Combine(folder, $"{slot.Name}.jsonl")) is { Exists: true, Length: > 1000 };

    /// <summary>More than the other workers can take at once: who starts none of these is deaf.</summary>
    private static async Task ProbeAsync(IHost control, Journal journal)
    {
        var queue = control.Services.GetRequiredService<IJobQueue>();
        for (var i = 0; i < 3 * Fleet.Workers * Settings.Concurrency; i++)
            await ProducerProgram.IsStoredAsync(queue, journal, new TortureJob(JobKind.Short, 500, ""), new EnqueueOptions { Id = JobId.New() });
    }

    /// <summary>Until nothing is under way, or for so long: what is left then is a violation.</summary>
    private static async Task DrainAsync(IHost control)
    {
        var admin = control.Services.GetRequiredService<IJobQueueAdmin>();
        for (var until = Journal.Now + s_drain; Journal.Now < until;)
        {
            var counts = await admin.CountAsync();
            if (counts.Waiting + counts.Scheduled + counts.Active == 0)
                return;
            await Task.Delay(100);
        }
    }

    private static async Task<FinalState> ReadAsync(RedisServer redis, IHost control)
    {
        await using var connection = await redis.ConnectAsync();
        var (options, database) = (new JobQueueOptions(), connection.GetDatabase());
        Settings.Apply(options);
        var keys = new QueueKeys(options.KeyPrefix, Settings.Queue);
        var state = await QueueState.ReadAsync(database, keys, new RedisJobStore(new RawRedis(connection), keys, options, RedisScripts.Default));
        var admin = control.Services.GetRequiredService<IJobQueueAdmin>();
        var counts = await admin.CountAsync();
        var audit = await admin.AuditAsync();
        return new FinalState(
            state.Jobs.ToDictionary(job => job.Key, job => FinalOf(job.Value)),
            counts.TotalAccepted, counts.TotalLost, counts.Waiting + counts.Scheduled + counts.Active, Inconsistency(state, audit), TimeSpan.Zero, []);
    }

    private static FinalJob FinalOf(JobInfo job) =>
        new(job.State, job.Attempt, job.MaxAttempts, job.Lapses, job.Error, job.HasResult ? job.GetResult<long>() : null);

    private static string? Inconsistency(QueueState state, AuditReport audit)
    {
        if (audit.Findings.Count > 0)
            return $"The queue's own audit finds: {string.Join(' ', audit.Findings.Select(finding => finding.Description))}";
        try
        {
            state.CheckInvariants();
            return null;
        }
        catch (XunitException error)
        {
            return error.Message;
        }
    }
}
