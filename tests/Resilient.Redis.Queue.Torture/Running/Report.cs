using System.Globalization;
using Resilient.Redis.Queue.Storage;
using Resilient.Redis.Queue.Torture.Checking;
using Resilient.Redis.Queue.Torture.Recording;

namespace Resilient.Redis.Queue.Torture.Running;

/// <summary>The figures of a run.</summary>
internal static class Report
{
    private const int MostShown = 30;

    public static void Print(CommandLine line, History history, IReadOnlyList<Violation> violations)
    {
        var faults = history.All<Fault>().Where(fault => fault.Kind != FaultKind.Stall).ToList();
        var runs = history.Runs.SelectMany(runs => runs).ToList();
        var jobs = history.Final.Jobs.Values;
        Row("seed", $"{line.Seed}, {line.Length.TotalSeconds:0} s of faults, {Fleet.Workers} workers, {Fleet.Producers} producers, lease {history.Lease.TotalSeconds:0} s");
        Row("faults", $"{faults.Count}: {string.Join(", ", faults.CountBy(fault => fault.Kind).OrderBy(kind => kind.Key).Select(kind => $"{kind.Key} {kind.Value}"))}");
        Row("stalls", $"{history.All<Fault>().Count(fault => fault.Kind == FaultKind.Stall)} of a worker for over 0.75 s, freezes included");
        Row("enqueues", $"{history.All<Tried>().Count()} tried, {history.All<Acknowledged>().Count()} acknowledged ({history.All<Acknowledged>().Count(done => !done.Created)} of them found their job), "
            + $"{history.All<Unconfirmed>().Count()} unconfirmed, {history.All<NotStored>().Count()} not stored");
        Row("jobs", $"{history.Final.Jobs.Count}: {jobs.Count(job => job.State == JobState.Completed)} completed, {jobs.Count(job => job.State == JobState.Dead)} dead, {history.Final.Unended} not ended");
        Row("handler runs", $"{runs.Count}; {history.Runs.Count(again => again.Count() > 1)} jobs ran more than once; {Overlaps(history)} overlaps, all of runs that were told or could not be");
        Row("leases", $"{history.All<Fired>().Count(fired => fired.Reason == StopReason.LeaseLost)} lost, {history.All<Fired>().Count(fired => fired.Reason == StopReason.LeaseInDoubt)} in doubt, {jobs.Sum(job => job.Lapses)} lapses kept");
        Row("settlements", $"{history.All<Settled>().Count()} answered, {history.All<Settled>().Count(settled => settled.Code is ReplyCode.Lost or ReplyCode.Gone)} refused");
        Row("recovery", $"Redis answers again -> first claim or settlement: {Times(Recovery.OfRedis(history))}");
        Row("", $"worker killed -> its jobs are claimed elsewhere: {Times(Recovery.OfKilledWorkers(history))}");
        Row("drained", string.Create(CultureInfo.InvariantCulture, $"{(history.Happenings[^1].At - history.Final.HealedAt).TotalSeconds:0.0} s after the last fault was over"));
        Row("violations", $"{violations.Count}");
        foreach (var violation in violations.Take(MostShown))
            Console.WriteLine($"  {violation.Rule}: {violation.What}");
        if (violations.Count > MostShown)
            Console.WriteLine($"  and {violations.Count - MostShown} more");
    }

    private static int Overlaps(History history) => history.Runs.Sum(runs => runs.Zip(runs.Skip(1)).Count(pair => pair.Second.Start < pair.First.End));

    private static string Times(IReadOnlyList<TimeSpan> times) => times.Count == 0
        ? "none"
        : string.Create(CultureInfo.InvariantCulture, $"median {times[times.Count / 2].TotalSeconds:0.00} s, worst {times[^1].TotalSeconds:0.00} s ({times.Count})");

    private static void Row(string name, string text) => Console.WriteLine($"{name,-18} {text}");
}
