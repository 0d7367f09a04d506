namespace Resilient.Redis.Queue.Torture.Checking;

/// <summary>Promise 6: what a job enqueues with its completion is there exactly when it has completed, once, in the queue that it named, and not before.</summary>
internal sealed class FollowUpsAreMadeOnce : IRule
{
    public IEnumerable<Violation> Check(History history)
    {
        foreach (var asked in history.AskedFor)
        {
            var (child, queue, parent) = (asked.Key, asked.First().Queue, asked.First().Id);
            var made = history.Final.Jobs.GetValueOrDefault(child);
            var parentEnd = history.Final.Jobs.GetValueOrDefault(parent);
            var completed = parentEnd?.State == JobState.Completed;
            if (completed && made is null)
                yield return Broken($"{parent} has completed, and its follow-up {child} is not there.");
            if (!completed && made is not null)
                yield return Broken($"{parent} is {parentEnd?.State.ToString() ?? "unknown"}, and its follow-up {child} is there.");
            if (made is not null && made.Queue != queue)
                yield return Broken($"{child} was to be in {queue}, and is in {made.Queue}.");

            // Its handler wrote its end down before it could be settled, so nothing that its completion made can have run by then.
            var ended = history.Runs[parent].FirstOrDefault(run => run.Token == parentEnd?.Result)?.End;
            foreach (var run in history.Runs[child].Where(run => run.Queue != queue || run.Start < ended))
                yield return Broken($"{child} ran in {run.Queue} before {parent} had ended, or in the wrong queue.");
        }
    }

    private static Violation Broken(string what) => new(nameof(FollowUpsAreMadeOnce), what);
}
