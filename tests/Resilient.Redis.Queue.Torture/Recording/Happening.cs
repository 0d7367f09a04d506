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
[JsonDerivedType(typeof(Fault), "fault")]
internal abstract record Happening(TimeSpan At, string Who);

/// <summary>A producer is about to enqueue.</summary>
internal sealed record Tried(TimeSpan At, string Who, string Id) : Happening(At, Who);

/// <summary>An enqueue returned.</summary>
internal sealed record Acknowledged(TimeSpan At, string Who, string Id, bool Created) : Happening(At, Who);

/// <summary>An enqueue failed and said that the job is not there.</summary>
internal sealed record NotStored(TimeSpan At, string Who, string Id) : Happening(At, Who);

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
internal sealed record Started(TimeSpan At, string Who, string Id, long Token, int Attempt) : Happening(At, Who);

/// <summary>A handler's token fired.</summary>
internal sealed record Fired(TimeSpan At, string Who, string Id, long Token, StopReason Reason) : Happening(At, Who);

/// <summary>A handler ended.</summary>
internal sealed record Ended(TimeSpan At, string Who, string Id, long Token, RunEnd How) : Happening(At, Who);

/// <summary>A settlement was answered.</summary>
internal sealed record Settled(TimeSpan At, string Who, string Id, long Token, string Outcome, ReplyCode Code, JobState? State, long ServerTime) : Happening(At, Who);

/// <summary>A worker process is up.</summary>
internal sealed record Opened(TimeSpan At, string Who, bool StopsInDoubt) : Happening(At, Who);

/// <summary>Something was broken on purpose, or by a machine that gave a worker no time.</summary>
internal sealed record Fault(TimeSpan At, string Who, FaultKind Kind, TimeSpan Until) : Happening(At, Who);

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
    FreezeWorker,
    StarvePool,
    CutSocket,
    SilenceSocket,
    KillRedis,
    RestartRedis,
    FreezeRedis,
    FillMemory,

    /// <summary>Not injected: the machine gave a worker no time for as long as that.</summary>
    Stall,
}
