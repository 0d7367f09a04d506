using Resilient.Redis.Queue.Torture.Recording;

namespace Resilient.Redis.Queue.Torture.Checking;

/// <summary>Promise 5 once more: only a handler that failed spends an attempt, and only a trouble of a worker's own costs a delivery.</summary>
internal sealed class AttemptsAreSpentByFailures : IRule
{
    public IEnumerable<Violation> Check(History history)
    {
        foreach (var runs in history.Runs)
        {
            var failed = 0;
            foreach (var run in runs)
            {
                if (run.Attempt > failed + 1)
                    yield return new(nameof(AttemptsAreSpentByFailures), $"{run.Id} was started as attempt {run.Attempt} after {failed} failures.");
                failed += run.How == RunEnd.Failed ? 1 : 0;
            }
        }

        foreach (var (id, job) in history.Final.Jobs)
        {
            var failed = history.Runs[id].Count(run => run.How == RunEnd.Failed);
            // The last run counts too; where the payload could not be read, the attempt to read it.
            var endedByRun = job.State == JobState.Cancelled || history.Enqueued.GetValueOrDefault(id)?.Kind == Destiny.Unreadable
                || history.Runs[id].Any(run => run.How is RunEnd.Returned or RunEnd.GaveUp);
            if (job.Attempt > failed + (endedByRun ? 1 : 0))
                yield return new(nameof(AttemptsAreSpentByFailures), $"{id} ended with {job.Attempt} attempts after {failed} failures.");

            if (history.Enqueued.GetValueOrDefault(id)?.Kind is Destiny.Unknown)
                continue; // each worker that does not know it costs it a delivery
            var mayLapse = history.Claims[id].Count(claim => history.Troubles.Befell(claim.Who, claim.At, TimeSpan.MaxValue));
            if (job.Lapses > mayLapse)
                yield return new(nameof(AttemptsAreSpentByFailures), $"{id} lost {job.Lapses} deliveries, and only {mayLapse} of its workers had any trouble.");
        }
    }
}
