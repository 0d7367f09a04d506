namespace Resilient.Redis.Queue.Torture.Checking;

/// <summary>Every worker that lives works again once the faults are over.</summary>
internal sealed class NobodyIsDeaf : IRule
{
    public IEnumerable<Violation> Check(History history)
    {
        var working = history.Runs.SelectMany(runs => runs).Where(run => run.Start >= history.Final.HealedAt).Select(run => run.Who).ToHashSet();
        return history.Final.Alive.Where(worker => !working.Contains(worker)).Select(worker => new Violation(nameof(NobodyIsDeaf), $"{worker} lives and has started nothing since all faults were over."));
    }
}
