using Resilient.Redis.Queue.Storage;
using Resilient.Redis.Queue.Torture.Checking;
using Resilient.Redis.Queue.Torture.Recording;

namespace Resilient.Redis.Queue.Tests.Torture;

/// <summary>A history made by hand, in seconds: workers w1 and w2 with a lease of 3 s, producer p, job a unless said otherwise.</summary>
internal sealed class ForgedHistory
{
    private readonly List<Happening> _happenings = [];
    private readonly Dictionary<string, FinalJob> _jobs = [];
    private FinalState _final = new(new Dictionary<string, FinalJob>(), 0, 0, 0, null, TimeSpan.MaxValue, []);

    public IReadOnlyList<Violation> Check() => HistoryChecker.Check(new History(
        TimeSpan.FromSeconds(3), [.. _happenings.OrderBy(happening => happening.At)], _final with { Jobs = _jobs, Accepted = _final.Accepted + _jobs.Count }));

    public ForgedHistory Enqueued(double at, string id = "a", bool created = true) => Add(
        new Tried(Time(at), "p", id), new Acknowledged(Time(at), "p", id, created));

    public ForgedHistory NotConfirmed(double at, bool mayBeStored, string id = "a") => Add(
        new Tried(Time(at), "p", id), mayBeStored ? new Unconfirmed(Time(at), "p", id) : new NotStored(Time(at), "p", id));

    public ForgedHistory Claimed(double at, string who, long token, string id = "a") => Add(new Claimed(Time(at), who, id, token, (long)(at * 1000)));

    public ForgedHistory Started(double at, string who, long token, int attempt = 1) => Claimed(at, who, token).StartedUnclaimed(at, who, token, attempt);

    public ForgedHistory StartedUnclaimed(double at, string who, long token, int attempt = 1) => Add(new Started(Time(at), who, "a", token, attempt));

    public ForgedHistory Fired(double at, string who, long token, StopReason reason = StopReason.LeaseLost) => Add(new Fired(Time(at), who, "a", token, reason));

    public ForgedHistory Ended(double at, string who, long token, RunEnd how = RunEnd.Returned) => Add(new Ended(Time(at), who, "a", token, how));

    public ForgedHistory Settled(double at, string who, long token, JobState? state = JobState.Completed, ReplyCode code = ReplyCode.Accepted) =>
        Add(new Settled(Time(at), who, "a", token, "any", code, state, (long)(at * 1000)));

    public ForgedHistory Opened(string who, bool stopsInDoubt) => Add(new Opened(Time(0), who, stopsInDoubt));

    public ForgedHistory Fault(double at, double until, string who, FaultKind kind) => Add(new Fault(Time(at), who, kind, Time(until)));

    /// <summary>The job completes on the worker in one run of a second.</summary>
    public ForgedHistory Ran(double at, string who, long token, int attempt = 1) =>
        Started(at, who, token, attempt).Ended(at + 1, who, token).Settled(at + 1.1, who, token);

    public ForgedHistory Completed(long result, int attempt = 1, int lapses = 0, string id = "a") => Final(JobState.Completed, attempt, lapses, null, result, id);

    public ForgedHistory Final(JobState state, int attempt, int lapses = 0, string? error = null, long? result = null, string id = "a")
    {
        _jobs[id] = new FinalJob(state, attempt, MaxAttempts: 3, lapses, error, result);
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
