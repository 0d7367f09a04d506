using Resilient.Redis.Queue.Torture.Recording;

namespace Resilient.Redis.Queue.Torture.Checking;

/// <summary>Whoever looks sees a progress that a handler of that job has reported by then.</summary>
internal sealed class ProgressIsTrue : IRule
{
    public IEnumerable<Violation> Check(History history)
    {
        var reported = history.All<Reported>().ToLookup(report => (report.Id, report.Progress));
        return history.All<Looked>()
            .Where(look => !reported[(look.Id, look.Progress)].Any(report => report.At <= look.At))
            .Select(look => new Violation(nameof(ProgressIsTrue), $"{look.Id} was seen at {look.Progress / 10_000.0:P2}, which none of its runs had reported."));
    }
}
