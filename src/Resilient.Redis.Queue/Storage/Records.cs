namespace Resilient.Redis.Queue.Storage;

/// <summary>A job on its way in.</summary>
internal sealed record NewJob(JobId Id, string Name, byte[] Body, TimeSpan Delay, int MaxAttempts, TimeSpan Timeout, TimeSpan Keep);

/// <summary>The answer to an enqueue: server time in ms, and a code for each job.</summary>
internal sealed record EnqueueReply(long ServerTime, ReplyCode[] Codes);

/// <summary>The right to run a job, until its deadline; only together with its session.</summary>
internal readonly record struct Lease(JobId Id, long Token);

/// <summary>A job as claim hands it out.</summary>
/// <param name="Lease">The right to run it.</param>
/// <param name="Attempt">1 in the first run.</param>
/// <param name="Lapses">Deliveries that counted against it.</param>
/// <param name="IsAlone">Its worker was lost with it more than once: announce its start before starting it (rule R17).</param>
/// <param name="Timeout">The longest run; zero for none of its own.</param>
/// <param name="EnqueuedAt">Server time in ms.</param>
/// <param name="Name">The wire name of its type.</param>
/// <param name="Body">See <see cref="JobEnvelope"/>.</param>
internal sealed record ClaimedJob(Lease Lease, int Attempt, int Lapses, bool IsAlone, TimeSpan Timeout, long EnqueuedAt, string Name, ReadOnlyMemory<byte> Body);

/// <summary>How a run ended.</summary>
/// <param name="Lease">The right under which it ran.</param>
/// <param name="Outcome">What becomes of the job.</param>
/// <param name="Started">Whether the handler was started.</param>
internal sealed record Settlement(Lease Lease, Outcome Outcome, bool Started);

/// <summary>One numbered call of a lane; it is repeated as it is until it is answered (rule R12).</summary>
internal sealed record WorkCall(long Sequence, int Want, bool RoomForOneAlone, IReadOnlyList<Settlement> Settlements);

/// <summary>What became of a settlement; the state is null when there is no such job.</summary>
internal readonly record struct SettlementReply(ReplyCode Code, JobState? State);

/// <summary>The answer to a claim or settle.</summary>
/// <param name="Code">Accepted or Stale.</param>
/// <param name="Lease">The queue's own lease.</param>
/// <param name="UntilNext">When the next look pays, null when nothing is planned.</param>
/// <param name="More">Whether another call at once pays.</param>
/// <param name="Settlements">One for each settlement sent.</param>
/// <param name="Jobs">What was handed out.</param>
internal sealed record WorkReply(ReplyCode Code, TimeSpan Lease, TimeSpan? UntilNext, bool More, SettlementReply[] Settlements, ClaimedJob[] Jobs);

/// <summary>A lease to extend, and whether its handler was started.</summary>
internal readonly record struct Extension(Lease Lease, bool Started);
