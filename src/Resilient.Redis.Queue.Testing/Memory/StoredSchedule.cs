using Resilient.Redis.Queue.Storage;

namespace Resilient.Redis.Queue.Testing.Memory;

/// <summary>A recurring job.</summary>
internal sealed record StoredSchedule(string Cron, string Zone, NewJob Job)
{
    public bool Is(Tick tick) => Cron == tick.Cron && Zone == tick.Zone;
}

/// <summary>Where a recurring job is: its next tick, when a process that has it looked last, its last tick; ms of server time.</summary>
internal sealed record StoredTick(long Due, long Seen, long Last, bool IsRemoved);
