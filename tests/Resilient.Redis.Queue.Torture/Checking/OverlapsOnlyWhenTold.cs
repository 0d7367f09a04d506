namespace Resilient.Redis.Queue.Torture.Checking;

/// <summary>Promise 4: two runs of a job overlap only where the older one's token had fired, or its process had no time to fire it.</summary>
internal sealed class OverlapsOnlyWhenTold : IRule
{
    public IEnumerable<Violation> Check(History history)
    {
        foreach (var runs in history.Runs.Select(runs => runs.ToList()))
        {
            for (var i = 0; i < runs.Count; i++)
            {
                foreach (var newer in runs[(i + 1)..])
                {
                    var older = runs[i];
                    var began = older.Start > newer.Start ? older.Start : newer.Start;
                    var overlap = began < older.End && began < newer.End;
                    if (overlap && !(older.Fired <= began) && !history.Troubles.CouldNotTell(older.Who, began))
                        yield return new(nameof(OverlapsOnlyWhenTold), $"{older.Id} ran on {older.Who} and on {newer.Who} at once, and the first had not been told.");
                }
            }
        }
    }
}
