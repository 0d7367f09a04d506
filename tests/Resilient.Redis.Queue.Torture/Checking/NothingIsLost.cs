using Resilient.Redis.Queue.Torture.Recording;

namespace Resilient.Redis.Queue.Torture.Checking;

/// <summary>Promise 1: an acknowledged job has ended: completed by one of its runs, dead for a reason that is its own, or cancelled.</summary>
internal sealed class NothingIsLost : IRule
{
    public IEnumerable<Violation> Check(History history)
    {
        foreach (var id in history.All<Acknowledged>().Select(acknowledged => acknowledged.Id).Distinct())
        {
            if (!history.Final.Jobs.ContainsKey(id))
                yield return new(nameof(NothingIsLost), $"{id} was acknowledged, and Redis does not know it.");
        }

        foreach (var (id, job) in history.Final.Jobs)
        {
            var runs = history.Runs[id].ToList();
            var fault = job.State switch
            {
                JobState.Completed when !runs.Any(run => run.How == RunEnd.Returned && run.Token == job.Result) => $"is completed with the result of run {job.Result}, which did not return",
                JobState.Dead when string.IsNullOrEmpty(job.Error) => "is dead without a reason",
                JobState.Dead when !IsHopeless(history, id, job, runs) => $"is dead although no run gave it up: {job.Error}",
                JobState.Completed or JobState.Dead or JobState.Cancelled => null,
                _ => $"has not ended: it is {job.State}",
            };
            if (fault is not null)
                yield return new(nameof(NothingIsLost), $"{id} {fault}.");
        }
    }

    /// <summary>Enqueued as poison, given up, failed too often, or lost with its worker too often.</summary>
    private static bool IsHopeless(History history, string id, FinalJob job, List<Run> runs) =>
        history.Enqueued.GetValueOrDefault(id)?.Kind is not (null or Destiny.Any)
        || runs.Any(run => run.How == RunEnd.GaveUp)
        || runs.Count(run => run.How == RunEnd.Failed) >= job.MaxAttempts
        || job.Lapses >= history.MaxDeliveries;
}
