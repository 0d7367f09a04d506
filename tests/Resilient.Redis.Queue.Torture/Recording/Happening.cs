using System.Text.Json.Serialization;
using Resilient.Redis.Queue.Storage;

namespace Resilient.Redis.Queue.Torture.Recording;

/// <summary>Something that a process did or saw, as it is written into its journal.</summary>
/// <param name="At">The machine's monotonic clock, which is the same for all processes.</param>
/// <param name="Who">The process; a worker that was started anew has another name. For a fault: whom it befell.</param>
[JsonDerivedType(typeof(Tried), "tried")]
[JsonDerivedType(typeof(Acknowledged), "acknowledged")]
[JsonDerivedType(typeof(NotStored), "notStored")]
[JsonDerivedType(typeof(Unconfirmed), "unconfirmed")]
[JsonDerivedType(typeof(Claimed), "claimed")]
[JsonDerivedType(typeof(Started), "started")]
[JsonDerivedType(typeof(Fired), "fired")]
[JsonDerivedType(typeof(Ended), "ended")]
[JsonDerivedType(typeof(Settled), "settled")]
[JsonDerivedType(typeof(Opened), "opened")]
[JsonDerivedType(typeof(Held), "held")]
[JsonDerivedType(typeof(Asked), "asked")]
[JsonDerivedType(typeof(CancelTried), "cancelTried")]
[JsonDerivedType(typeof(CancelAnswered), "cancelAnswered")]
[JsonDerivedType(typeof(Reported), "reported")]
[JsonDerivedType(typeof(Looked), "looked")]
[JsonDerivedType(typeof(Fault), "fault")]
internal abstract record Happening(TimeSpan At, string Who);

/// <summary>A producer is about to enqueue.</summary>
/// <param name="At">Before the call.</param>
/// <param name="Who">The producer.</param>
/// <param name="Id">The job.</param>
/// <param name="Kind">How it will end, where that is known beforehand.</param>
/// <param name="Batch">The same for all jobs of one call for many; null for a job that comes alone.</param>
/// <param name="Unique">Its unique key; null for none.</param>
/// <param name="UniqueForMs">How long it holds the key; 0 until it has ended.</param>
internal sealed record Tried(TimeSpan At, string Who, string Id, Destiny Kind = Destiny.Any, string? Batch = null, string? Unique = null, int UniqueForMs = 0) : Happening(At, Who);

/// <summary>An enqueue returned.</summary>
internal sealed record Acknowledged(TimeSpan At, string Who, string Id, bool Created) : Happening(At, Who);

/// <summary>An enqueue failed and said that the job is not there.</summary>
/// <param name="At">When it said so.</param>
/// <param name="Who">The producer.</param>
/// <param name="Id">The job.</param>
/// <param name="Full">Because the queue has as many jobs as it may.</param>
internal sealed record NotStored(TimeSpan At, string Who, string Id, bool Full = false) : Happening(At, Who);

/// <summary>An enqueue made no job, since another one holds the unique key.</summary>
internal sealed record Held(TimeSpan At, string Who, string Id, string Holder) : Happening(At, Who);

/// <summary>An enqueue failed and said that the job may be there.</summary>
internal sealed record Unconfirmed(TimeSpan At, string Who, string Id) : Happening(At, Who);

/// <summary>A claim's reply brought a job.</summary>
/// <param name="At">When the reply was read.</param>
/// <param name="Who">The worker.</param>
/// <param name="Id">The job.</param>
/// <param name="Token">Its fence token.</param>
/// <param name="ServerTime">Redis's clock in ms, when the script ran.</param>
internal sealed record Claimed(TimeSpan At, string Who, string Id, long Token, long ServerTime) : Happening(At, Who);

/// <summary>A handler was started.</summary>
internal sealed record Started(TimeSpan At, string Who, string Id, long Token, int Attempt, string Queue) : Happening(At, Who);

/// <summary>A handler asked for a follow-up.</summary>
/// <param name="At">Before it asked.</param>
/// <param name="Who">The worker.</param>
/// <param name="Id">The job that runs.</param>
/// <param name="Child">The job that comes to be with its completion.</param>
/// <param name="Queue">Where.</param>
internal sealed record Asked(TimeSpan At, string Who, string Id, string Child, string Queue) : Happening(At, Who);

/// <summary>A handler is about to report how far it is, in ten-thousandths.</summary>
internal sealed record Reported(TimeSpan At, string Who, string Id, int Progress) : Happening(At, Who);

/// <summary>Somebody looked at a running job and saw how far it is, in ten-thousandths.</summary>
internal sealed record Looked(TimeSpan At, string Who, string Id, int Progress) : Happening(At, Who);

/// <summary>Somebody is about to cancel a job.</summary>
internal sealed record CancelTried(TimeSpan At, string Who, string Id) : Happening(At, Who);

/// <summary>A cancellation was answered.</summary>
internal sealed record CancelAnswered(TimeSpan At, string Who, string Id, CancelResult Result) : Happening(At, Who);

/// <summary>A handler's token fired.</summary>
internal sealed record Fired(TimeSpan At, string Who, string Id, long Token, StopReason Reason) : Happening(At, Who);

/// <summary>A handler ended.</summary>
internal sealed record Ended(TimeSpan At, string Who, string Id, long Token, RunEnd How) : Happening(At, Who);

/// <summary>A settlement was answered.</summary>
/// <param name="At">When the answer was read.</param>
/// <param name="Who">The worker.</param>
/// <param name="Id">The job.</param>
/// <param name="Token">The fence token under which it ran.</param>
/// <param name="Outcome">What the worker said of the run.</param>
/// <param name="Code">What Redis said to that.</param>
/// <param name="State">Where the job went; null when there is no such job.</param>
/// <param name="ServerTime">Redis's clock in ms, when the script ran or answered again.</param>
/// <param name="SentAt">Before the worker sent it for the first time: a repeat is answered as that was, whoever has claimed the job in between.</param>
internal sealed record Settled(
    TimeSpan At, string Who, string Id, long Token, string Outcome, ReplyCode Code, JobState? State, long ServerTime, TimeSpan SentAt) : Happening(At, Who);

/// <summary>A worker process is up.</summary>
internal sealed record Opened(TimeSpan At, string Who, bool StopsInDoubt) : Happening(At, Who);

/// <summary>Something was broken on purpose, or by a machine that gave a process no time.</summary>
internal sealed record Fault(TimeSpan At, string Who, FaultKind Kind, TimeSpan Until) : Happening(At, Who);

/// <summary>What has to become of a job, whatever happens to it on its way.</summary>
internal enum Destiny
{
    /// <summary>Its handler decides.</summary>
    Any,

    /// <summary>Its payload cannot be read: dead without a run.</summary>
    Unreadable,

    /// <summary>No worker has a handler for it: dead after the most deliveries, without a run.</summary>
    Unknown,

    /// <summary>It kills its worker each time: dead after the most deliveries.</summary>
    Killer,
}

internal enum RunEnd
{
    /// <summary>The handler returned: the job is done.</summary>
    Returned,

    /// <summary>The handler failed on purpose: spends an attempt.</summary>
    Failed,

    /// <summary>The handler asked to run later.</summary>
    PutOff,

    /// <summary>The handler gave the job up.</summary>
    GaveUp,

    /// <summary>Its token had fired, and it stopped.</summary>
    Stopped,
}

internal enum FaultKind
{
    KillWorker,
    StopWorker,
    FreezeWorker,
    StarvePool,
    CutSocket,
    SilenceSocket,
    KillRedis,
    RestartRedis,
    FreezeRedis,
    FillMemory,

    /// <summary>A job that kills its worker was enqueued.</summary>
    PoisonJob,

    /// <summary>It has killed a worker.</summary>
    Poisoned,

    /// <summary>Not injected: the machine gave a process no time for as long as that.</summary>
    Stall,
}

internal static class FaultKinds
{
    /// <summary>Whether the process that it befell is gone.</summary>
    public static bool EndsWorker(this FaultKind kind) => kind is FaultKind.KillWorker or FaultKind.StopWorker or FaultKind.Poisoned;

    /// <summary>Whether nobody could reach Redis.</summary>
    public static bool IsOutage(this FaultKind kind) => kind is FaultKind.KillRedis or FaultKind.RestartRedis or FaultKind.FreezeRedis;
}
