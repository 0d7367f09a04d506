using Resilient.Redis.Queue.Storage;
using Resilient.Redis.Queue.Torture.Checking;
using Resilient.Redis.Queue.Torture.Recording;

namespace Resilient.Redis.Queue.Torture.Running;

/// <summary>How long it took after a fault until work went on; shortest first.</summary>
internal static class Recovery
{
    /// <summary>From the moment when Redis answers again to the first answer that a worker got.</summary>
    public static IReadOnlyList<TimeSpan> OfRedis(History history)
    {
        var answers = history.All<Claimed>().Select(claimed => claimed.At).Concat(history.All<Settled>().Select(settled => settled.At)).Order().ToList();
        return [.. history.All<Fault>()
            .Where(fault => fault.Kind.IsOutage())
            .Select(fault => answers.FirstOrDefault(at => at >= fault.Until) - fault.Until)
            .Where(took => took >= TimeSpan.Zero).Order()];
    }

    /// <summary>
    /// For each worker that was killed with jobs in its hands, until the last of these was claimed by another; without those that had lost a
    /// worker before. Other faults may fall in between.
    /// </summary>
    /// <param name="history">Of the run.</param>
    /// <param name="besideOutages">Only where Redis was there all the time: an outage stops lease time, and afterwards all have one lease to come back.</param>
    public static IReadOnlyList<TimeSpan> OfKilledWorkers(History history, bool besideOutages) => OfKilledWorkers(history, besideOutages, suspects: false);

    /// <summary>The same for jobs that had lost a worker before, with outages in between or not: they are handed out one at a time to a process (rule R17), and wait for each other.</summary>
    public static IReadOnlyList<TimeSpan> OfSuspects(History history) => OfKilledWorkers(history, besideOutages: false, suspects: true);

    private static List<TimeSpan> OfKilledWorkers(History history, bool besideOutages, bool suspects)
    {
        var lost = history.Claims.SelectMany(claims => claims.Zip(claims.Skip(1)).Where(pair => !IsSettled(history, pair.First)).Select((pair, earlier) => (pair.First, pair.Second, earlier)))
            .Where(loss => loss.earlier > 0 == suspects).ToLookup(loss => loss.First.Who);
        return [.. history.All<Fault>()
            .Where(fault => fault.Kind is FaultKind.KillWorker or FaultKind.Poisoned)
            .Select(fault => (From: fault.At, To: lost[fault.Who].Where(loss => loss.Second.At > fault.At).Select(loss => loss.Second.At).DefaultIfEmpty(fault.At).Max()))
            .Where(time => time.To > time.From && !(besideOutages && history.Troubles.HadOutage(time.From - history.Lease, time.To)))
            .Select(time => time.To - time.From).Order()];
    }

    private static bool IsSettled(History history, Claim claim) =>
        history.Settlements[claim.Id].Any(settled => settled.Token == claim.Token && settled.Code is ReplyCode.Accepted or ReplyCode.Already);
}
