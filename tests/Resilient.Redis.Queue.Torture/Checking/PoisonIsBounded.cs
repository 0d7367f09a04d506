using Resilient.Redis.Queue.Torture.Recording;

namespace Resilient.Redis.Queue.Torture.Checking;

/// <summary>Promise 8: what cannot be read, what nobody knows, and what kills its worker each time ends dead with its reason, after no more runs than allowed.</summary>
internal sealed class PoisonIsBounded : IRule
{
    /// <summary>Expiries that may not count, since Redis had not heard of the start: from then on each start is announced (rule R17).</summary>
    private const int Unannounced = 2;

    public IEnumerable<Violation> Check(History history)
    {
        foreach (var tried in history.Enqueued.Values.Where(tried => tried.Kind != Destiny.Any && history.Final.Jobs.ContainsKey(tried.Id)))
        {
            var (job, runs) = (history.Final.Jobs[tried.Id], history.Runs[tried.Id].Count());
            var (reason, most) = tried.Kind switch
            {
                Destiny.Unreadable => ("cannot be read", 0),
                Destiny.Unknown => ("has a handler for the job", 0),
                _ => ("MaxDeliveries", history.MaxDeliveries + Unannounced),
            };
            if (job.State != JobState.Dead || job.Error?.Contains(reason, StringComparison.Ordinal) != true)
                yield return Broken($"{tried.Id} ({tried.Kind}) is {job.State} with the reason: {job.Error}");
            if (runs > most)
                yield return Broken($"{tried.Id} ({tried.Kind}) was started {runs} times.");
            if (tried.Kind != Destiny.Unreadable && job.Lapses != history.MaxDeliveries)
                yield return Broken($"{tried.Id} ({tried.Kind}) is dead after {job.Lapses} deliveries of {history.MaxDeliveries}.");
        }
    }

    private static Violation Broken(string what) => new(nameof(PoisonIsBounded), what);
}
