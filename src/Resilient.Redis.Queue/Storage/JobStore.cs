using System.Text.Json;

namespace Resilient.Redis.Queue.Storage;

/// <summary>Where a queue's jobs are: one method for each verb of the protocol. In Redis one script each (<see cref="RedisJobStore"/>).</summary>
internal abstract class JobStore(string queue, long? maxLength)
{
    public string Queue => queue;

    public long? MaxLength => maxLength;

    /// <summary>Opens a worker's own way to its queue, beside everybody else's.</summary>
    /// <exception cref="ResilientRedisException">It cannot be opened now.</exception>
    public abstract ValueTask<WorkerLine> OpenLineAsync(CancellationToken cancellationToken);

    /// <summary>Settles what has ended and claims the next jobs. Safe to repeat with the same sequence.</summary>
    public abstract ValueTask<WorkReply> WorkAsync(string session, int lane, WorkCall call, CancellationToken cancellationToken);

    /// <summary>Extends leases; the replies are in their order: accepted or lost.</summary>
    public abstract ValueTask<ReplyCode[]> ExtendAsync(string session, IReadOnlyList<Extension> extensions, CancellationToken cancellationToken);

    /// <summary>All that is known of one job but its payload.</summary>
    public ValueTask<JobInfo?> InspectAsync(JobId id, JsonSerializerOptions serializer, CancellationToken cancellationToken) =>
        InspectAsync(id, serializer, "", cancellationToken);

    /// <summary>The same; and in the same step, while the job lives, asks that this listener is told of its end.</summary>
    public abstract ValueTask<JobInfo?> InspectAsync(JobId id, JsonSerializerOptions serializer, string listener, CancellationToken cancellationToken);

    /// <summary>Opens an ear for the ends of jobs that this listener has asked for.</summary>
    /// <param name="listener">Its own text, at random.</param>
    /// <param name="ended">Called with the id of each, on any thread. A call may be lost: it only saves waiting.</param>
    /// <param name="missed">Called when some may have been lost.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="ResilientRedisException">It cannot be opened now.</exception>
    public abstract ValueTask<ResultEar> OpenEarAsync(string listener, Action<string> ended, Action missed, CancellationToken cancellationToken);

    /// <summary>The jobs in each state.</summary>
    public abstract ValueTask<QueueCounts> CountAsync(CancellationToken cancellationToken);

    /// <summary>Server time in ms.</summary>
    public abstract ValueTask<long> GetServerTimeAsync(CancellationToken cancellationToken);

    /// <summary>Accepts the jobs that are new. One attempt: only the caller knows that its ids make a repeat safe.</summary>
    /// <param name="jobs">The jobs.</param>
    /// <param name="notAfter">Server time in ms after which the call is refused (rule R15).</param>
    /// <param name="until">Until when it may be repeated, so that its outcome is remembered until then. Not before <paramref name="notAfter"/>; later where one call carries jobs of several callers.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public abstract ValueTask<EnqueueReply> EnqueueAsync(IReadOnlyList<NewJob> jobs, long notAfter, long until, CancellationToken cancellationToken);

    /// <summary>As above, for one caller.</summary>
    public ValueTask<EnqueueReply> EnqueueAsync(IReadOnlyList<NewJob> jobs, long notAfter, CancellationToken cancellationToken) =>
        EnqueueAsync(jobs, notAfter, notAfter, cancellationToken);

    /// <summary>Accepted: it is cancelled; Already: it runs, and its worker is told; Ended or Gone: there is nothing to cancel.</summary>
    public abstract ValueTask<ReplyCode> CancelAsync(JobId id, string reason, CancellationToken cancellationToken);

    /// <summary>Some of the follow-ups that wait for delivery to other queues.</summary>
    public abstract ValueTask<OutboxEntry[]> ReadOutboxAsync(CancellationToken cancellationToken);

    /// <summary>Forgets follow-ups that have been delivered.</summary>
    public abstract ValueTask RemoveFromOutboxAsync(IEnumerable<JobId> ids, CancellationToken cancellationToken);

    /// <summary>Ids of dead jobs by the time of their death.</summary>
    /// <param name="from">How many to leave out.</param>
    /// <param name="count">The most.</param>
    /// <param name="newestFirst">Else oldest first.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public abstract ValueTask<JobId[]> GetDeadAsync(long from, int count, bool newestFirst, CancellationToken cancellationToken);

    /// <summary>A page of the jobs in one state: waiting in line, suspects first; scheduled by due time, active by deadline, completed and cancelled by the end of their retention, dead newest first.</summary>
    /// <param name="state">The state.</param>
    /// <param name="from">How many places of its set to leave out.</param>
    /// <param name="most">The most places to look at; fewer where jobs are large.</param>
    /// <param name="serializer">For results.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public abstract ValueTask<JobPage> ListAsync(JobState state, long from, int most, JsonSerializerOptions serializer, CancellationToken cancellationToken);

    /// <summary>As <see cref="ListAsync"/>, but only how many: of the places looked at, and of jobs in that state among them.</summary>
    public abstract ValueTask<(int Looked, int Jobs)> TallyAsync(JobState state, long from, int most, CancellationToken cancellationToken);

    /// <summary>Removes a page of the jobs in one state; nothing when their number is not the one expected.</summary>
    /// <param name="state">Any but Active.</param>
    /// <param name="expected">How many there should be; null where that has been looked at. Not for Completed and Cancelled.</param>
    /// <param name="from">How many places of its set to leave out, since earlier pages have left them.</param>
    /// <param name="most">The most places to look at.</param>
    /// <param name="notAfter">Server time in ms: what came later is left. Null for this moment.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public abstract ValueTask<PurgeReply> PurgeAsync(JobState state, long? expected, long from, int most, long? notAfter, CancellationToken cancellationToken);

    /// <summary>Accepted, or Gone where no job of this id is dead.</summary>
    public abstract ValueTask<ReplyCode> RequeueAsync(JobId id, CancellationToken cancellationToken);

    /// <summary>Accepted; Running where a worker has it; Gone where there is no such job.</summary>
    public abstract ValueTask<ReplyCode> RemoveAsync(JobId id, CancellationToken cancellationToken);

    /// <summary>Takes no new jobs, until it is resumed. Accepted, or Already.</summary>
    public abstract ValueTask<ReplyCode> DrainAsync(CancellationToken cancellationToken);

    /// <summary>Compares all places of all jobs, without holding the queue up; what it reports was so at one moment.</summary>
    public abstract ValueTask<AuditReport> AuditAsync(bool repair, CancellationToken cancellationToken);

    /// <summary>Hands out nothing; or ends that, and a drain. Accepted, or Already.</summary>
    public abstract ValueTask<ReplyCode> PauseAsync(bool paused, CancellationToken cancellationToken);

    /// <summary>Registers a recurring job; see Scripts/schedule.lua.</summary>
    /// <param name="schedule">Which, and its first tick from now.</param>
    /// <param name="job">What it makes; its id is not used.</param>
    /// <param name="starting">At the start of a process, which wins over another definition.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <returns>Accepted, Lost or Ended.</returns>
    public abstract ValueTask<(long ServerTime, TickReply Reply)> ScheduleAsync(Tick schedule, NewJob job, bool starting, CancellationToken cancellationToken);

    /// <summary>Makes the jobs of the ticks that are due, once however often it is called, and tells the next ones (rule R20).</summary>
    public abstract ValueTask<(long ServerTime, TickReply[] Replies)> AdvanceAsync(IReadOnlyList<Tick> ticks, CancellationToken cancellationToken);

    /// <summary>Makes a recurring job now, under that id. One attempt. Accepted, Duplicate, or Gone where there is no such name.</summary>
    public abstract ValueTask<EnqueueAnswer> TriggerAsync(string name, JobId id, CancellationToken cancellationToken);

    /// <summary>Accepted, or Gone where there is no such name. A repeat after a lost reply says Gone.</summary>
    public abstract ValueTask<ReplyCode> UnscheduleAsync(string name, CancellationToken cancellationToken);

    /// <summary>The recurring jobs that are registered.</summary>
    public abstract ValueTask<RecurringJob[]> GetRecurringAsync(CancellationToken cancellationToken);
}
