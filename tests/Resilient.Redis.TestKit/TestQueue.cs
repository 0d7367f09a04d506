using System.Text;
using FluentAssertions;
using Resilient.Redis.Queue;
using Resilient.Redis.Queue.Storage;
using StackExchange.Redis;

namespace Resilient.Redis.TestKit;

/// <summary>A queue of the test's own keys, under a server clock that the test moves.</summary>
internal sealed class TestQueue
{
    private const string MovedClock = """
        local function now_us() return tonumber(redis.call('GET', KEYS[1] .. 'test:now_us')) end

        """;

    private readonly IDatabase _database;
    private readonly Dictionary<string, TestWorker> _workers = [];
    private long _now;

    private TestQueue(IConnectionMultiplexer connection, JobQueueOptions options)
    {
        _database = connection.GetDatabase();
        Connection = connection;
        Options = options;
        Keys = new QueueKeys("t:" + Guid.NewGuid().ToString("N"), "q");
        Store = new RedisJobStore(new RawRedis(connection), Keys, options, new RedisScripts(MovedClock));
    }

    public IConnectionMultiplexer Connection { get; }

    public JobQueueOptions Options { get; }

    public QueueKeys Keys { get; }

    public RedisJobStore Store { get; }

    public IDatabase Database => _database;

    /// <summary>Server time in ms.</summary>
    public long Now => _now;

    /// <summary>A queue at server time <paramref name="now"/> ms, with a lease of 10 s and a clock that has been ticking.</summary>
    public static async Task<TestQueue> AtAsync(long now, IConnectionMultiplexer connection, Action<JobQueueOptions>? configure = null)
    {
        var options = new JobQueueOptions { ResultRetention = TimeSpan.FromMinutes(5) };
        configure?.Invoke(options);
        return await AtAsync(now, connection, options);
    }

    public static async Task<TestQueue> AtAsync(long now, IConnectionMultiplexer connection, JobQueueOptions options)
    {
        var queue = new TestQueue(connection, options);
        await queue.MoveToAsync(now);
        return queue;
    }

    /// <summary>Sets the server's clock, back too.</summary>
    public async Task MoveToAsync(long now)
    {
        _now = now;
        await _database.StringSetAsync(((string)Keys.Root!) + "test:now_us", now * 1000);
    }

    /// <summary>Time passes while a worker looks every two seconds, so that queue time passes too; a holder extends its job as often.</summary>
    public async Task PassAsync(TimeSpan span, TestWorker observer, TestWorker? holder = null, ClaimedJob? job = null)
    {
        for (var end = _now + (long)span.TotalMilliseconds; _now < end;)
        {
            await MoveToAsync(Math.Min(end, _now + 2000));
            await observer.LookAsync();
            if (holder is not null)
                (await holder.ExtendAsync(job!)).Should().Be(ReplyCode.Accepted);
        }
    }

    /// <summary>The worker of that session: the same one each time, so that its calls are numbered on.</summary>
    public TestWorker Worker(string session) =>
        _workers.TryGetValue(session, out var worker) ? worker : _workers[session] = new TestWorker(this, session);

    public async Task<ReplyCode> EnqueueAsync(string id, TimeSpan delay = default, int maxAttempts = 5, long? notAfter = null, TimeSpan? keep = null) =>
        (await Store.EnqueueAsync([Job(id, delay, maxAttempts, keep)], notAfter ?? _now + 10_000, default)).Codes[0];

    public async Task<ReplyCode[]> EnqueueManyAsync(params NewJob[] jobs) =>
        (await Store.EnqueueAsync(jobs, _now + 10_000, default)).Codes;

    /// <summary>The same queue, seen through another connection.</summary>
    public RedisJobStore StoreOn(IConnectionMultiplexer connection) =>
        new(new RawRedis(connection), Keys, Options, new RedisScripts(MovedClock));

    /// <summary>The same queue over a connection that loses the first reply of each call that may be repeated.</summary>
    public RedisJobStore ForgetfulStore() => new(new RawRedis(Connection, losesReplies: true), Keys, Options, new RedisScripts(MovedClock));

    /// <summary>Writes over a job's record what no version of the library would write.</summary>
    public Task DamageAsync(string id, RedisValue? record = null) => _database.StringSetAsync(Keys.Job(new JobId(id)), record ?? "damaged");

    public Task DeleteRecordAsync(string id) => _database.KeyDeleteAsync(Keys.Job(new JobId(id)));

    public static NewJob Job(string id, TimeSpan delay = default, int maxAttempts = 5, TimeSpan? keep = null) =>
        new(new JobId(id), "test", JobEnvelope.Write(Encoding.UTF8.GetBytes($"\"{id}\""), null), delay, maxAttempts, TimeSpan.Zero, keep ?? TimeSpan.FromMinutes(5));

    public ValueTask<JobInfo?> InspectAsync(string id) => Store.InspectAsync(new JobId(id), System.Text.Json.JsonSerializerOptions.Web, default);

    public Task<QueueState> StateAsync() => QueueState.ReadAsync(_database, Keys, Store);
}

/// <summary>One worker session with one lane, by hand.</summary>
internal sealed class TestWorker(TestQueue queue, string session)
{
    public long Sequence { get; private set; }

    public string Session => session;

    public async Task<ClaimedJob[]> ClaimAsync(int want = 1, bool roomForOneAlone = true) => (await CallAsync(want, roomForOneAlone)).Jobs;

    public Task<WorkReply> LookAsync() => CallAsync(0, false);

    public Task<WorkReply> CallAsync(int want, bool roomForOneAlone = true, params Settlement[] settlements) =>
        RepeatAsync(++Sequence, want, roomForOneAlone, settlements);

    /// <summary>A call with a number of the test's choice: a repeat, or one that comes late.</summary>
    public async Task<WorkReply> RepeatAsync(long sequence, int want, bool roomForOneAlone = true, params Settlement[] settlements) =>
        await queue.Store.WorkAsync(session, 0, new WorkCall(sequence, want, roomForOneAlone, settlements), default);

    public async Task<SettlementReply> SettleAsync(ClaimedJob job, Outcome outcome, bool started = true) =>
        (await CallAsync(0, false, new Settlement(job, outcome, started))).Settlements[0];

    public async Task<ReplyCode> ExtendAsync(ClaimedJob job, bool started = true) => (await ExtendAsync(new Extension(job.Lease, started)))[0];

    public async Task<ReplyCode[]> ExtendAsync(params Extension[] extensions) => await queue.Store.ExtendAsync(session, extensions, default);
}
