using Resilient.Redis.Queue.Torture.Recording;

namespace Resilient.Redis.Queue.Torture.Checking;

/// <summary>What somebody cancels runs no more; what runs is told soon; and nothing is cancelled that nobody asked for.</summary>
internal sealed class CancelledJobsStop : IRule
{
    /// <summary>The queue says one second; the rest is for a machine that is busy with all this.</summary>
    public static readonly TimeSpan Soon = TimeSpan.FromSeconds(2);

    public IEnumerable<Violation> Check(History history)
    {
        var asked = history.All<CancelTried>().Select(tried => tried.Id).ToHashSet();
        foreach (var (id, _) in history.Final.Jobs.Where(job => job.Value.State == JobState.Cancelled && !asked.Contains(job.Key)))
            yield return Broken($"{id} is cancelled, and nobody asked for it.");

        foreach (var answer in history.All<CancelAnswered>().Where(answer => answer.Result is CancelResult.Cancelled or CancelResult.Requested))
        {
            var state = history.Final.Jobs.GetValueOrDefault(answer.Id)?.State;
            var gaveUp = history.Runs[answer.Id].Any(run => run.How == RunEnd.GaveUp);
            if (state != JobState.Cancelled && (answer.Result == CancelResult.Cancelled || !(state == JobState.Completed || (state == JobState.Dead && gaveUp))))
                yield return Broken($"{answer.Id} is {state?.ToString() ?? "unknown"} although its cancellation was answered {answer.Result}.");

            // One that was claimed before may still be started.
            var later = history.Runs[answer.Id].Count(run => run.Start > answer.At);
            if (later > (answer.Result == CancelResult.Requested ? 1 : 0))
                yield return Broken($"{answer.Id} was started {later} times after its cancellation was answered {answer.Result}.");
            if (answer.Result == CancelResult.Requested && RunAt(history, answer) is { } run && IsTold(history, run, answer) is false)
                yield return Broken($"{answer.Id} ran on on {run.Who} for {Soon.TotalSeconds} s after its cancellation, and was not told.");
        }
    }

    /// <summary>How long it took until a handler was told, for each that was told while nothing kept Redis and its worker apart; shortest first.</summary>
    public static IReadOnlyList<TimeSpan> Times(History history) =>
    [
        .. history.All<CancelAnswered>().Where(answer => answer.Result == CancelResult.Requested)
            .Select(answer => (Answer: answer, Run: RunAt(history, answer)))
            .Where(pair => pair.Run?.Fired is not null && !history.Troubles.CutOff(pair.Run.Who, pair.Answer.At, pair.Answer.At + Soon))
            .Select(pair => pair.Run!.Fired!.Value > pair.Answer.At ? pair.Run.Fired.Value - pair.Answer.At : TimeSpan.Zero).Order(),
    ];

    /// <summary>The run that held the job when its cancellation was answered; null when it was only claimed, or had lost its lease.</summary>
    private static Run? RunAt(History history, CancelAnswered answer)
    {
        var claim = history.Claims[answer.Id].LastOrDefault(claim => claim.At <= answer.At);
        return history.Runs[answer.Id].FirstOrDefault(run => run.Token == claim?.Token && run.Who == claim.Who && run.Start <= answer.At && run.End > answer.At);
    }

    /// <summary>Null where it cannot be said.</summary>
    private static bool? IsTold(History history, Run run, CancelAnswered answer)
    {
        var latest = answer.At + Soon;
        return run.Fired <= latest ? true : run.End <= latest || history.Troubles.CutOff(run.Who, answer.At, latest) ? null : false;
    }

    private static Violation Broken(string what) => new(nameof(CancelledJobsStop), what);
}
