namespace Resilient.Redis.Queue.Torture.Checking;

/// <summary>In the end nothing is under way, every accepted job is in its place once, and the queue's own counters agree.</summary>
internal sealed class EmptyAndConserved : IRule
{
    public IEnumerable<Violation> Check(History history)
    {
        var final = history.Final;
        if (final.Unended > 0)
            yield return new(nameof(EmptyAndConserved), $"{final.Unended} jobs still wait or run.");
        if (final.Lost > 0)
            yield return new(nameof(EmptyAndConserved), $"The queue counts {final.Lost} jobs as lost.");
        if (final.Accepted != final.Jobs.Count)
            yield return new(nameof(EmptyAndConserved), $"The queue counts {final.Accepted} accepted jobs, and there are {final.Jobs.Count}.");
        if (final.Inconsistency is { } fault)
            yield return new(nameof(EmptyAndConserved), fault);
    }
}
