namespace Resilient.Redis.Queue.Torture.Checking;

/// <summary>Every worker that lives works again in each queue once the faults are over.</summary>
internal sealed class NobodyIsDeaf : IRule
{
    public IEnumerable<Violation> Check(History history)
    {
        var probes = history.Runs.SelectMany(runs => runs).Where(run => run.Start >= history.Final.DrainedAt).ToList();
        var working = probes.Select(run => (run.Who, run.Queue)).ToHashSet();
        return
            from queue in probes.Select(run => run.Queue).DefaultIfEmpty("").Distinct()
            from worker in history.Final.Alive
            where !working.Contains((worker, queue))
            select new Violation(nameof(NobodyIsDeaf), $"{worker} lives and has started nothing of {queue} since all faults were over.");
    }
}
