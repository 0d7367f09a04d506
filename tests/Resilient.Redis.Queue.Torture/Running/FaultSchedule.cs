using Resilient.Redis.Queue.Torture.Recording;

namespace Resilient.Redis.Queue.Torture.Running;

/// <summary>One fault to come.</summary>
/// <param name="At">After the start.</param>
/// <param name="Kind">What is broken.</param>
/// <param name="Slot">Which process, workers first; no meaning for Redis and for a poison job.</param>
/// <param name="Length">For how long.</param>
/// <param name="Number">Any number, from which a fault takes the rest that it has to decide.</param>
internal sealed record PlannedFault(TimeSpan At, FaultKind Kind, int Slot, TimeSpan Length, int Number);

/// <summary>A fault each second, decided by the seed alone. Faults of different targets overlap; two of one target do not, and Redis gets two seconds to recover.</summary>
internal static class FaultSchedule
{
    private static readonly TimeSpan s_every = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_redisPause = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_slotPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_poisonPause = TimeSpan.FromSeconds(40); // it takes a worker every few seconds until it is dead

    /// <summary>Kind, how often, and from when to when it lasts, in ms.</summary>
    private static readonly (FaultKind Kind, int Weight, int Least, int Most)[] s_kinds =
    [
        (FaultKind.KillWorker, 13, 100, 2000),
        (FaultKind.StopWorker, 5, 100, 2000),
        (FaultKind.FreezeWorker, 12, 300, 7000),
        (FaultKind.StarvePool, 10, 1000, 5000),
        (FaultKind.CutSocket, 20, 0, 1),
        (FaultKind.SilenceSocket, 12, 0, 5000),
        (FaultKind.KillRedis, 8, 50, 4000),
        (FaultKind.RestartRedis, 6, 0, 1),
        (FaultKind.FreezeRedis, 8, 300, 5000),
        (FaultKind.FillMemory, 6, 500, 4000),
        (FaultKind.PoisonJob, 4, 0, 1),
    ];

    public static IReadOnlyList<PlannedFault> Make(int seed, TimeSpan length, int workers, int producers)
    {
        var random = new Random(seed);
        var slots = new TimeSpan[workers + producers];
        var (redis, poison) = (TimeSpan.Zero, TimeSpan.Zero);
        var faults = new List<PlannedFault>();
        for (var at = s_every; at < length; at += s_every)
        {
            // A draw whose target is still broken is drawn again; where all are, that second goes without.
            for (var draw = 0; draw < 20; draw++)
            {
                var fault = Draw(random, at, workers, producers);
                var ofRedis = fault.Kind is FaultKind.KillRedis or FaultKind.RestartRedis or FaultKind.FreezeRedis or FaultKind.FillMemory;
                var ofQueue = fault.Kind == FaultKind.PoisonJob;
                ref var free = ref ofRedis ? ref redis : ref ofQueue ? ref poison : ref slots[fault.Slot];
                if (free > at)
                    continue;
                free = at + fault.Length + (ofRedis ? s_redisPause : ofQueue ? s_poisonPause : s_slotPause);
                faults.Add(fault);
                break;
            }
        }

        return faults;
    }

    private static PlannedFault Draw(Random random, TimeSpan at, int workers, int producers)
    {
        var drawn = random.Next(s_kinds.Sum(kind => kind.Weight));
        var (kind, _, least, most) = s_kinds.First(kind => (drawn -= kind.Weight) < 0);
        var slot = random.Next(kind is FaultKind.CutSocket or FaultKind.SilenceSocket ? workers + producers : workers);
        return new PlannedFault(at, kind, slot, TimeSpan.FromMilliseconds(random.Next(least, most)), random.Next());
    }
}
