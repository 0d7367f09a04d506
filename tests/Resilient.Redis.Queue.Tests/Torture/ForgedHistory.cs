using Resilient.Redis.Queue.Storage;
using Resilient.Redis.Queue.Torture.Checking;
using Resilient.Redis.Queue.Torture.Recording;

namespace Resilient.Redis.Queue.Tests.Torture;

/// <summary>A history made by hand, in seconds: workers w1 and w2 with a lease of 3 s, producer p, job a unless said otherwise.</summary>
internal sealed class ForgedHistory
{
    private readonly List<Happening> _happenings = [];
    private readonly Dictionary<string, FinalJob> _jobs = [];
    private FinalState _final = new(new Dictionary<string, FinalJob>(), 0, 0, 0, null, TimeSpan.MaxValue, TimeSpan.MaxValue, []);

    public IReadOnlyList<Violation> Check() => HistoryChecker.Check(new History(
        TimeSpan.FromSeconds(3), 5, [.. _happenings.OrderBy(happening => happening.At)], _final with { Jobs = _jobs, Accepted = _final.Accepted + _jobs.Count }));

    public ForgedHistory Enqueued(double at, string id = "a", bool created = true) => Add(
        new Tried(Time(at), "p", id), new Acknowledged(Time(at), "p", id, created));

    public ForgedHistory NotConfirmed(double at, bool mayBeStored, string id = "a") => Add(
        new Tried(Time(at), "p", id), mayBeStored ? new Unconfirmed(Time(at), "p", id) : new NotStored(Time(at), "p", id));

    public ForgedHistory EnqueuedAs(double at, Destiny kind = Destiny.Any, string? batch = null, string? unique = null, int uniqueForMs = 0, string id = "a") => Add(
        new Tried(Time(at), "p", id, kind, batch, unique, uniqueForMs), new Acknowledged(Time(at), "p", id, true));

    /// <summary>An enqueue under a unique key that another job holds.</summary>
    public ForgedHistory Held(double at, string unique, string holder, string id) => Add(new Tried(Time(at), "p", id, Unique: unique), new Held(Time(at), "p", id, holder));

    /// <summary>The handler of job a asks for a follow-up.</summary>
    public ForgedHistory Asked(double at, string child, string queue = "q") => Add(new Asked(Time(at), "w1", "a", child, queue));

    public ForgedHistory Cancelled(double at, CancelResult? answer, string id = "a")
    {
        Add(new CancelTried(Time(at), "p", id));
        return answer is { } result ? Add(new CancelAnswered(Time(at), "p", id, result)) : this;
    }

    public ForgedHistory Reported(double at, int progress) => Add(new Reported(Time(at), "w1", "a", progress));

    public ForgedHistory Looked(double at, int progress) => Add(new Looked(Time(at), "p", "a", progress));

    public ForgedHistory Claimed(double at, string who, long token, string id = "a") => Add(new Claimed(Time(at), who, id, token, (long)(at * 1000)));

    public ForgedHistory Started(double at, string who, long token, int attempt = 1, string id = "a", string queue = "q") =>
        Claimed(at, who, token, id).StartedUnclaimed(at, who, token, attempt, id, queue);

    public ForgedHistory StartedUnclaimed(double at, string who, long token, int attempt = 1, string id = "a", string queue = "q") =>
        Add(new Started(Time(at), who, id, token, attempt, queue));

    public ForgedHistory Fired(double at, string who, long token, StopReason reason = StopReason.LeaseLost) => Add(new Fired(Time(at), who, "a", token, reason));

    public ForgedHistory Ended(double at, string who, long token, RunEnd how = RunEnd.Returned, string id = "a") => Add(new Ended(Time(at), who, id, token, how));

    public ForgedHistory Settled(double at, string who, long token, JobState? state = JobState.Completed, ReplyCode code = ReplyCode.Accepted, string id = "a") =>
        Add(new Settled(Time(at), who, id, token, "any", code, state, (long)(at * 1000), Time(at)));

    /// <summary>The reply was lost; the repeat of the call got the first answer.</summary>
    public ForgedHistory AnsweredAgain(double sentAt, double at, string who, long token, JobState state) =>
        Add(new Settled(Time(at), who, "a", token, "any", ReplyCode.Accepted, state, (long)(at * 1000), Time(sentAt)));

    public ForgedHistory Opened(string who, bool stopsInDoubt) => Add(new Opened(Time(0), who, stopsInDoubt));

    public ForgedHistory Fault(double at, double until, string who, FaultKind kind) => Add(new Fault(Time(at), who, kind, Time(until)));

    /// <summary>The job completes on the worker in one run of a second.</summary>
    public ForgedHistory Ran(double at, string who, long token, int attempt = 1, string id = "a", string queue = "q") =>
        Started(at, who, token, attempt, id, queue).Ended(at + 1, who, token, id: id).Settled(at + 1.1, who, token, id: id);

    public ForgedHistory Completed(long result, int attempt = 1, int lapses = 0, string id = "a", string queue = "q", double enqueued = 0, double ended = 0) =>
        Final(JobState.Completed, attempt, lapses, null, result, id, queue, enqueued, ended);

    public ForgedHistory Final(
        JobState state, int attempt, int lapses = 0, string? error = null, long? result = null, string id = "a", string queue = "q", double enqueued = 0, double ended = 0)
    {
        DateTimeOffset? end = state is JobState.Completed or JobState.Dead or JobState.Cancelled ? DateTimeOffset.UnixEpoch.AddSeconds(ended) : null;
        _jobs[id] = new FinalJob(state, attempt, MaxAttempts: 3, lapses, error, result, queue, DateTimeOffset.UnixEpoch.AddSeconds(enqueued), end);
        return this;
    }

    public ForgedHistory With(Func<FinalState, FinalState> change)
    {
        _final = change(_final);
        return this;
    }

    public static TimeSpan Time(double seconds) => TimeSpan.FromSeconds(seconds);

    private ForgedHistory Add(params Happening[] happenings)
    {
        _happenings.AddRange(happenings);
        return this;
    }
}
