using Resilient.Redis.Queue.Torture.Recording;

namespace Resilient.Redis.Queue.Torture.Checking;

/// <summary>All that is known of a run: what every process wrote down, and how the queues stood in the end.</summary>
internal sealed class History(TimeSpan lease, int maxDeliveries, IReadOnlyList<Happening> happenings, FinalState final)
{
    private readonly ILookup<string, Claimed> _claimed = happenings.OfType<Claimed>().ToLookup(claimed => claimed.Id);

    public TimeSpan Lease => lease;

    public int MaxDeliveries => maxDeliveries;

    public IReadOnlyList<Happening> Happenings => happenings;

    public FinalState Final => final;

    public Troubles Troubles { get; } = new(lease, happenings);

    /// <summary>id -> its claims, by token. A start counts as one: the claim's reply may not have been written down.</summary>
    public ILookup<string, Claim> Claims { get; } = happenings.OfType<Claimed>().Select(claimed => new Claim(claimed.Id, claimed.Token, claimed.Who, claimed.At))
        .Concat(happenings.OfType<Started>().Select(started => new Claim(started.Id, started.Token, started.Who, started.At)))
        .GroupBy(claim => (claim.Id, claim.Token, claim.Who)).Select(same => same.MinBy(claim => claim.At)!)
        .OrderBy(claim => claim.Token).ToLookup(claim => claim.Id);

    /// <summary>id -> its handler runs, by token.</summary>
    public ILookup<string, Run> Runs { get; } = MakeRuns(happenings);

    /// <summary>id -> the answers to its settlements.</summary>
    public ILookup<string, Settled> Settlements { get; } = happenings.OfType<Settled>().ToLookup(settled => settled.Id);

    /// <summary>id -> what it was enqueued as. Follow-ups are not here.</summary>
    public IReadOnlyDictionary<string, Tried> Enqueued { get; } = happenings.OfType<Tried>().DistinctBy(tried => tried.Id).ToDictionary(tried => tried.Id);

    /// <summary>id -> the runs that asked for it as a follow-up.</summary>
    public ILookup<string, Asked> AskedFor { get; } = happenings.OfType<Asked>().ToLookup(asked => asked.Child);

    public IEnumerable<T> All<T>() where T : Happening => happenings.OfType<T>();

    /// <summary>The replies that brought that job.</summary>
    public IEnumerable<Claimed> RepliesWith(string id) => _claimed[id];

    private static ILookup<string, Run> MakeRuns(IReadOnlyList<Happening> happenings)
    {
        var ends = happenings.OfType<Ended>().ToLookup(ended => (ended.Who, ended.Id, ended.Token));
        var fired = happenings.OfType<Fired>().ToLookup(fired => (fired.Who, fired.Id, fired.Token));
        var killed = happenings.OfType<Fault>().Where(fault => fault.Kind.EndsWorker())
            .GroupBy(fault => fault.Who).ToDictionary(faults => faults.Key, faults => faults.Min(fault => fault.Until));
        return happenings.OfType<Started>().Select(started =>
        {
            var key = (started.Who, started.Id, started.Token);
            var end = ends[key].FirstOrDefault();
            var until = end?.At ?? (killed.TryGetValue(started.Who, out var at) ? at : TimeSpan.MaxValue);
            return new Run(started.Id, started.Token, started.Who, started.Queue, started.Attempt, started.At, until, end?.How, fired[key].FirstOrDefault()?.At);
        }).OrderBy(run => run.Token).ToLookup(run => run.Id);
    }
}

/// <summary>A job in the hands of a worker.</summary>
internal sealed record Claim(string Id, long Token, string Who, TimeSpan At);

/// <summary>One run of a handler.</summary>
/// <param name="Id">The job.</param>
/// <param name="Token">The fence token under which it ran.</param>
/// <param name="Who">The worker.</param>
/// <param name="Queue">As the handler was told.</param>
/// <param name="Attempt">As the handler was told.</param>
/// <param name="Start">When it was started.</param>
/// <param name="End">When it ended, or its process was killed.</param>
/// <param name="How">How it ended; null when its process was killed.</param>
/// <param name="Fired">When its cancellation token fired; null if it never did.</param>
internal sealed record Run(string Id, long Token, string Who, string Queue, int Attempt, TimeSpan Start, TimeSpan End, RunEnd? How, TimeSpan? Fired);

/// <summary>How the queues stood when all faults were over and the time to drain them too.</summary>
/// <param name="Jobs">Every job that Redis knew.</param>
/// <param name="Accepted">As the queues count it.</param>
/// <param name="Lost">Jobs that vanished from Redis under the queues, as they count them.</param>
/// <param name="Unended">Jobs that still wait, are scheduled or active, and follow-ups that are not delivered.</param>
/// <param name="Inconsistency">What the invariants say; null when they hold.</param>
/// <param name="HealedAt">When the last fault was over.</param>
/// <param name="DrainedAt">When all jobs of the producers had ended; then the workers were probed.</param>
/// <param name="Alive">The workers that lived to the end.</param>
internal sealed record FinalState(
    IReadOnlyDictionary<string, FinalJob> Jobs, long Accepted, long Lost, long Unended, string? Inconsistency, TimeSpan HealedAt, TimeSpan DrainedAt,
    IReadOnlyList<string> Alive);

/// <summary>How one job ended.</summary>
/// <param name="State">Where it stands.</param>
/// <param name="Attempt">Handler runs that were spent.</param>
/// <param name="MaxAttempts">The most of them.</param>
/// <param name="Lapses">Deliveries lost with their worker.</param>
/// <param name="Error">The reason why it is dead.</param>
/// <param name="Result">The token of the run that set the result.</param>
/// <param name="Queue">Where it is.</param>
/// <param name="EnqueuedAt">By Redis's clock.</param>
/// <param name="EndedAt">By Redis's clock; null when it has not ended.</param>
internal sealed record FinalJob(
    JobState State, int Attempt, int MaxAttempts, int Lapses, string? Error, long? Result, string Queue, DateTimeOffset EnqueuedAt, DateTimeOffset? EndedAt);
