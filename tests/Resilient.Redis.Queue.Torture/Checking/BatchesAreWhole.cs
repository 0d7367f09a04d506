namespace Resilient.Redis.Queue.Torture.Checking;

/// <summary>All jobs of one call for many are accepted, or none; whatever happened to the call.</summary>
internal sealed class BatchesAreWhole : IRule
{
    public IEnumerable<Violation> Check(History history)
    {
        foreach (var batch in history.Enqueued.Values.Where(tried => tried.Batch is not null).GroupBy(tried => tried.Batch))
        {
            var stored = batch.Count(tried => history.Final.Jobs.ContainsKey(tried.Id));
            if (stored > 0 && stored < batch.Count())
                yield return new(nameof(BatchesAreWhole), $"Of the batch {batch.Key} {stored} of {batch.Count()} jobs are there.");
        }
    }
}
