using Resilient.Redis.Queue.Torture.Recording;

namespace Resilient.Redis.Queue.Torture.Checking;

/// <summary>Rule R21: at most one job at a time holds a unique key, and who was refused for it was told who holds it, and is not there.</summary>
internal sealed class UniqueJobsAreAlone : IRule
{
    public IEnumerable<Violation> Check(History history)
    {
        var made = history.Enqueued.Values.Where(tried => tried.Unique is not null && history.Final.Jobs.ContainsKey(tried.Id))
            .Select(tried => (Try: tried, Job: history.Final.Jobs[tried.Id]));
        foreach (var holders in made.GroupBy(holder => holder.Try.Unique).Select(same => same.OrderBy(holder => holder.Job.EnqueuedAt).ToList()))
        {
            // By Redis's clock, which decides: the one was accepted no earlier than the other gave the key back.
            foreach (var (one, next) in holders.Zip(holders.Skip(1)))
            {
                var until = one.Try.UniqueForMs > 0 ? one.Job.EnqueuedAt.AddMilliseconds(one.Try.UniqueForMs) : one.Job.EndedAt;
                if (until is null || next.Job.EnqueuedAt < until)
                    yield return new(nameof(UniqueJobsAreAlone), $"{next.Try.Id} was accepted while {one.Try.Id} held {one.Try.Unique}.");
            }
        }

        foreach (var held in history.All<Held>())
        {
            if (history.Final.Jobs.ContainsKey(held.Id))
                yield return new(nameof(UniqueJobsAreAlone), $"{held.Id} was refused for its unique key, and it is there.");
            if (history.Enqueued.GetValueOrDefault(held.Holder)?.Unique != history.Enqueued[held.Id].Unique)
                yield return new(nameof(UniqueJobsAreAlone), $"{held.Id} was refused in favour of {held.Holder}, which never asked for its key.");
        }
    }
}
