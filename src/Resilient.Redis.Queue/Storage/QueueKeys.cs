using System.Text;
using StackExchange.Redis;

namespace Resilient.Redis.Queue.Storage;

/// <summary>Every key name, and nowhere else. All share one hash tag, so that every script is legal on Redis Cluster.</summary>
internal sealed class QueueKeys
{
    private readonly string _root;
    private readonly RedisKey _beforeJob;

    public QueueKeys(string prefix, string queue)
    {
        Queue = queue;
        _root = $"{{{prefix}:{queue}}}:";
        _beforeJob = Encoding.UTF8.GetBytes(_root + "j:");
        Enqueue = [Root, Waiting, Scheduled, Stats, Idle, Suspect, Skip, Settings];
        Worker = [Root, Waiting, Suspect, Scheduled, Active, Leases, Dead, Done, Clock, Settings, Stats, Idle, Waited, Rate, Skip];
    }

    public string Queue { get; }

    /// <summary>KEYS[1] of every script and never stored: the common key makes scripts atomic on Garnet too (rule R6).</summary>
    public RedisKey Root => _root;

    public RedisKey Waiting => _root + "waiting";

    public RedisKey Suspect => _root + "suspect";

    public RedisKey Scheduled => _root + "scheduled";

    public RedisKey Active => _root + "active";

    public RedisKey Leases => _root + "leases";

    public RedisKey Dead => _root + "dead";

    public RedisKey Done => _root + "done";

    public RedisKey Clock => _root + "clock";

    public RedisKey Settings => _root + "settings";

    public RedisKey Stats => _root + "stats";

    public RedisKey Idle => _root + "idle";

    /// <summary>Ids in the line that do not wait any more.</summary>
    public RedisKey Skip => _root + "skip";

    public RedisKey Outbox => _root + "outbox";

    /// <summary>Written to have something to wait for: see <see cref="Durability"/>.</summary>
    public RedisKey Mark => _root + "mark";

    public RedisKey Recurring => _root + "recurring";

    public RedisKey Ticks => _root + "ticks";

    /// <summary>Which processes wait for the end of which jobs.</summary>
    public RedisKey Waited => _root + "waited";

    /// <summary>What is left of the rate limit.</summary>
    public RedisKey Rate => _root + "rate";

    /// <summary>What an audit has taken out of the outbox since it cannot be read, for a person to look at.</summary>
    public RedisKey UnreadableOutbox => _root + "outbox:unreadable";

    /// <summary>The keys of Scripts/enqueue.lua before those of the jobs, in their order.</summary>
    public RedisKey[] Enqueue { get; }

    /// <summary>The keys of Scripts/_worker.lua, _limit.lua, _end.lua and _hand_out.lua, in their order.</summary>
    public RedisKey[] Worker { get; }

    /// <summary>A short name, since each job pays for it; and not put together here, since each call names many.</summary>
    public RedisKey Job(JobId id) => ((RedisKey)id.Value).Prepend(_beforeJob);

    public RedisKey Unique(string key) => _root + "unique:" + key;

    /// <summary>What one call of an operator was answered, for its repeats.</summary>
    public RedisKey Call(string call) => _root + "call:" + call;

    public RedisKey Lane(string session, int lane) => $"{_root}lane:{session}:{lane}";

    /// <summary>The doorbell of one worker process.</summary>
    public RedisChannel Wake(string session) => RedisChannel.Literal($"{_root}wake:{session}");

    /// <summary>Where one process hears of the end of jobs that it waits for.</summary>
    public RedisChannel Heard(string listener) => RedisChannel.Literal($"{_root}heard:{listener}");
}
