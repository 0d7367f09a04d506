using System.Globalization;
using Resilient.Redis.Queue.Storage;
using Resilient.Redis.Queue.Torture.Checking;
using Resilient.Redis.Queue.Torture.Recording;

namespace Resilient.Redis.Queue.Torture.Running;

/// <summary>The figures of a run.</summary>
internal static class Report
{
    private const int MostShown = 30;

    private static readonly FaultKind[] s_notInjected = [FaultKind.Stall, FaultKind.Poisoned];

    public static void Print(CommandLine line, History history, IReadOnlyList<Violation> violations)
    {
        var faults = history.All<Fault>().Where(fault => !s_notInjected.Contains(fault.Kind)).ToList();
        var runs = history.Runs.SelectMany(runs => runs).ToList();
        var jobs = history.Final.Jobs.Values;
        Row("seed", $"{line.Seed}, {line.Length.TotalSeconds:0} s of faults, {Fleet.Workers} workers, {Fleet.Producers} producers, lease {history.Lease.TotalSeconds:0} s");
        Row("faults", $"{faults.Count}: {string.Join(", ", faults.CountBy(fault => fault.Kind).OrderBy(kind => kind.Key).Select(kind => $"{kind.Key} {kind.Value}"))}");
        Row("stalls", $"{history.All<Fault>().Count(fault => fault.Kind == FaultKind.Stall)} of a process for over 0.5 s, freezes included");
        Row("enqueues", $"{history.All<Tried>().Count()} tried, {history.All<Acknowledged>().Count()} acknowledged ({history.All<Acknowledged>().Count(done => !done.Created)} of them found their job), "
            + $"{history.All<Unconfirmed>().Count()} unconfirmed, {history.All<NotStored>().Count()} not stored ({history.All<NotStored>().Count(refused => refused.Full)} because the queue was full), {history.All<Held>().Count()} held by a unique key");
        Row("jobs", $"{history.Final.Jobs.Count}: {jobs.Count(job => job.State == JobState.Completed)} completed, {jobs.Count(job => job.State == JobState.Dead)} dead, "
            + $"{jobs.Count(job => job.State == JobState.Cancelled)} cancelled, {history.Final.Unended} not ended; {history.AskedFor.Count(asked => history.Final.Jobs.ContainsKey(asked.Key))} follow-ups, "
            + $"{history.Enqueued.Values.Count(tried => tried.Kind != Destiny.Any && history.Final.Jobs.ContainsKey(tried.Id))} poisonous");
        Row("handler runs", $"{runs.Count}; {history.Runs.Count(again => again.Count() > 1)} jobs ran more than once; {Overlaps(history)} overlaps, all of runs that were told or could not be");
        Row("leases", $"{history.All<Fired>().Count(fired => fired.Reason == StopReason.LeaseLost)} lost, {history.All<Fired>().Count(fired => fired.Reason == StopReason.LeaseInDoubt)} in doubt, {jobs.Sum(job => job.Lapses)} lapses kept");
        Row("settlements", $"{history.All<Settled>().Count()} answered, {history.All<Settled>().Count(settled => settled.Code is ReplyCode.Lost or ReplyCode.Gone)} refused");
        Row("recovery", $"Redis answers again -> first claim or settlement: {Times(Recovery.OfRedis(history))}");
        Row("", $"worker killed -> its jobs are claimed elsewhere: {Times(Recovery.OfKilledWorkers(history, besideOutages: true))}; with outages of Redis in between: {Times(Recovery.OfKilledWorkers(history, besideOutages: false))}");
        Row("", $"the same for jobs that had lost a worker before, one at a time a process: {Times(Recovery.OfSuspects(history))}");
        Row("", $"cancelled -> its handler is told: {Times(CancelledJobsStop.Times(history))}");
        Row("drained", string.Create(CultureInfo.InvariantCulture, $"{(history.Final.DrainedAt - history.Final.HealedAt).TotalSeconds:0.0} s after the last fault was over"));
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
