using Resilient.Redis.Queue.Torture.Recording;

namespace Resilient.Redis.Queue.Torture.Checking;

/// <summary>Promise 3: all attempts of one enqueue make one job, and what was said not to be stored is not there.</summary>
internal sealed class NothingIsMadeTwice : IRule
{
    public IEnumerable<Violation> Check(History history)
    {
        foreach (var id in history.All<Acknowledged>().Where(acknowledged => acknowledged.Created).GroupBy(created => created.Id).Where(made => made.Count() > 1))
            yield return new(nameof(NothingIsMadeTwice), $"{id.Key} was created {id.Count()} times.");

        foreach (var id in history.Final.Jobs.Keys.Where(id => !history.Enqueued.ContainsKey(id) && !history.AskedFor.Contains(id)))
            yield return new(nameof(NothingIsMadeTwice), $"{id} was enqueued by nobody.");

        // Only where every attempt said so: the one before, or the one after, may have stored it.
        var maybeStored = history.All<Acknowledged>().Select(acknowledged => acknowledged.Id).Concat(history.All<Unconfirmed>().Select(unconfirmed => unconfirmed.Id)).ToHashSet();
        foreach (var id in history.All<NotStored>().Select(notStored => notStored.Id).Distinct().Where(id => !maybeStored.Contains(id) && history.Final.Jobs.ContainsKey(id)))
            yield return new(nameof(NothingIsMadeTwice), $"{id} was said not to be stored, and it was.");
    }
}
