using Resilient.Redis.Queue.Storage;
using Resilient.Redis.Queue.Torture.Recording;

namespace Resilient.Redis.Queue.Torture.Checking;

/// <summary>Promise 5: a job runs again only because a run failed or was handed back, or its worker was killed, stopped or cut off alone.</summary>
internal sealed class RunsAgainForACause : IRule
{
    public IEnumerable<Violation> Check(History history)
    {
        foreach (var runs in history.Runs)
        {
            foreach (var (run, next) in runs.Zip(runs.Skip(1)))
            {
                var settledForAnother = history.Settlements[run.Id].Any(settled =>
                    settled.Token == run.Token && settled.Code is ReplyCode.Accepted or ReplyCode.Already && settled.State is JobState.Waiting or JobState.Scheduled);
                if (!settledForAnother && !WasSettledUnseen(history, run, next) && !history.Troubles.Befell(run.Who, run.Start, next.Start))
                    yield return new(nameof(RunsAgainForACause), $"{run.Id} ran again on {next.Who} although nothing had befallen {run.Who}, which ran it under the token {run.Token}.");
            }
        }
    }

    /// <summary>A worker that is killed may have settled a job and not have lived to write it down: so of the handler's end is known what it must have said.</summary>
    private static bool WasSettledUnseen(History history, Run run, Run next) =>
        run.How is RunEnd.Failed or RunEnd.PutOff or RunEnd.Stopped && run.End <= next.Start
        && history.Settlements[run.Id].All(settled => settled.Token != run.Token) && history.Troubles.WasEnded(run.Who);
}
