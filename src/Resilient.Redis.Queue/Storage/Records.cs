namespace Resilient.Redis.Queue.Storage;

/// <summary>A job on its way in.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Name">The wire name of its type.</param>
/// <param name="Body">See <see cref="JobEnvelope"/>.</param>
/// <param name="Delay">From when Redis accepts it.</param>
/// <param name="MaxAttempts">The most runs.</param>
/// <param name="Timeout">The longest run; zero for none of its own.</param>
/// <param name="Keep">How long it is kept once it has completed.</param>
/// <param name="UniqueKey">Only one job holds it; empty for none.</param>
/// <param name="UniqueFor">How long it holds the key; zero until it has ended.</param>
internal sealed record NewJob(
    JobId Id, string Name, byte[] Body, TimeSpan Delay, int MaxAttempts, TimeSpan Timeout, TimeSpan Keep, string UniqueKey = "", TimeSpan UniqueFor = default)
{
    /// <summary>Whether it is enqueued alike; of those with a unique key each is by itself.</summary>
    public bool IsLike(NewJob other) =>
        Name == other.Name && Delay == other.Delay && MaxAttempts == other.MaxAttempts && Timeout == other.Timeout && Keep == other.Keep && (UniqueKey, other.UniqueKey) == ("", "");
}

/// <summary>A job that comes to be when another completes.</summary>
/// <param name="Job">The job.</param>
/// <param name="Queue">Where; empty for the queue of the job that completes.</param>
internal sealed record FollowUp(NewJob Job, string Queue);

/// <summary>A follow-up for another queue, as the outbox keeps it.</summary>
/// <param name="Queue">Where it goes.</param>
/// <param name="Job">The job, without a delay.</param>
/// <param name="Due">When it may run: server time in ms of the queue that it comes from.</param>
internal sealed record OutboxEntry(string Queue, NewJob Job, long Due);

/// <summary>The answer to an enqueue.</summary>
/// <param name="ServerTime">In ms.</param>
/// <param name="Length">How many jobs waited and were scheduled before; only where there is a limit.</param>
/// <param name="Answers">One for each job.</param>
internal sealed record EnqueueReply(long ServerTime, long Length, EnqueueAnswer[] Answers)
{
    public ReplyCode[] Codes => Array.ConvertAll(Answers, answer => answer.Code);
}

/// <summary>What became of a job on its way in, and for Duplicate which job holds its key.</summary>
internal readonly record struct EnqueueAnswer(ReplyCode Code, JobId? Holder);

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
/// <param name="Shape">Of a job that is stored as it was enqueued; null for any other.</param>
internal sealed record ClaimedJob(
    Lease Lease, int Attempt, int Lapses, bool IsAlone, TimeSpan Timeout, long EnqueuedAt, string Name, ReadOnlyMemory<byte> Body, FreshShape? Shape = null);

/// <summary>How a run ended.</summary>
/// <param name="Lease">The right under which it ran.</param>
/// <param name="Outcome">What becomes of the job.</param>
/// <param name="Started">Whether the handler was started.</param>
/// <param name="Shape">As it came with the lease: what it holds, Redis need not read again.</param>
/// <param name="EnqueuedAt">Server time in ms; where there is a shape.</param>
internal sealed record Settlement(Lease Lease, Outcome Outcome, bool Started, FreshShape? Shape = null, long EnqueuedAt = 0)
{
    public Settlement(ClaimedJob job, Outcome outcome, bool started) : this(job.Lease, outcome, started, job.Shape, job.EnqueuedAt)
    {
    }
}

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
internal sealed record WorkReply(ReplyCode Code, TimeSpan Lease, TimeSpan? UntilNext, bool More, SettlementReply[] Settlements, ClaimedJob[] Jobs)
{
    /// <summary>Redis's clock when the script ran, in ms: it orders the answers of all workers.</summary>
    public long ServerTime { get; init; }
}

/// <summary>A page of a listing: how many places of the set were looked at (0: the end), and the jobs among them that are in the state asked for.</summary>
internal sealed record JobPage(int Looked, JobInfo[] Jobs);

/// <summary>What a page of a purge did.</summary>
/// <param name="Code">Accepted, or Changed: nothing was removed.</param>
/// <param name="Count">How many jobs of the state there were before; of completed and cancelled ones together.</param>
/// <param name="ServerTime">In ms.</param>
/// <param name="Removed">How many were removed.</param>
/// <param name="Left">How many places were left as they are.</param>
/// <param name="Looked">How many places were looked at; 0: the end.</param>
internal sealed record PurgeReply(ReplyCode Code, long Count, long ServerTime, int Removed, int Left, int Looked);

/// <summary>A lease to extend, whether its handler was started, and the progress to report with it; empty for none.</summary>
internal readonly record struct Extension(Lease Lease, bool Started, string Progress = "");

/// <summary>The answer to an extend: a code for each lease, and which of them somebody asked to cancel.</summary>
internal sealed record ExtendReply(ReplyCode[] Codes, IReadOnlyList<(int Index, string Reason)> Cancelled);

/// <summary>A tick of a recurring job, as a process knows it. Times in ms of server time.</summary>
/// <param name="Name">Of the recurring job.</param>
/// <param name="Cron">When it ticks.</param>
/// <param name="Zone">In which time zone.</param>
/// <param name="Due">The tick.</param>
/// <param name="Next">The one after it; 0 to ask only.</param>
/// <param name="Run">Whether to make the job, or to leave the tick out.</param>
/// <param name="UniqueKey">Of the job; empty for none.</param>
internal sealed record Tick(string Name, string Cron, string Zone, long Due, long Next = 0, bool Run = false, string UniqueKey = "")
{
    /// <summary>The same for every process, so that a tick makes one job.</summary>
    public JobId JobId => JobId.Stored(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Name}:{Due}"));
}

/// <summary>The answer to a tick: Accepted or Already, Lost, Gone or Ended.</summary>
/// <param name="Code">See Scripts/advance.lua.</param>
/// <param name="At">The next tick; for Lost when the other definition was last seen. Ms of server time.</param>
/// <param name="Made">What became of the job; null where none was to be made.</param>
internal readonly record struct TickReply(ReplyCode Code, long At, ReplyCode? Made = null);

/// <summary>Where accepted jobs are.</summary>
/// <param name="HasJobs">False when the server that answered does not have them: it took over without them.</param>
/// <param name="Replicas">How many replicas have them; null when it is not known.</param>
/// <param name="OnDisk">Whether the primary has them on its disk, where that was asked for.</param>
/// <param name="Cause">Why it is not known.</param>
internal sealed record Confirmation(bool HasJobs, int? Replicas, bool OnDisk, Exception? Cause);
