using StackExchange.Redis;

namespace Resilient.Redis.Benchmarks.Queue;

/// <summary>The least that a queue could do, with the driver alone: a hash and a list, leases and payloads, and no promise kept.</summary>
internal sealed class RawQueue(IConnectionMultiplexer connection)
{
    public const int Batch = 100;

    private const string EnqueueOne = "redis.call('HSET', KEYS[1], 'd', ARGV[1]) redis.call('LPUSH', KEYS[2], ARGV[2])";

    private const string EnqueueMany = """
        for i = 2, #ARGV do
          redis.call('HSET', 'raw:' .. ARGV[1] .. i, 'd', ARGV[i])
          redis.call('LPUSH', KEYS[1], ARGV[1] .. i)
        end
        """;

    private const string Take = """
        local now = redis.call('TIME')
        local deadline = now[1] * 1000 + 10000
        local ids, jobs = redis.call('RPOP', KEYS[1], ARGV[1]) or {}, {}
        for i = 1, #ids do
          redis.call('ZADD', KEYS[2], deadline, ids[i])
          jobs[#jobs + 1] = ids[i]
          jobs[#jobs + 1] = redis.call('HGET', 'raw:' .. ids[i], 'd')
        end
        return jobs
        """;

    private const string Acknowledge = """
        for i = 1, #ARGV do
          redis.call('ZREM', KEYS[1], ARGV[i])
          redis.call('DEL', 'raw:' .. ARGV[i])
        end
        """;

    private static readonly byte[] s_payload = new byte[BenchJob.Bytes];

    private readonly IDatabase _database = connection.GetDatabase();
    private long _id;

    public Task EnqueueAsync()
    {
        var id = $"{Interlocked.Increment(ref _id):D16}";
        return _database.ScriptEvaluateAsync(EnqueueOne, ["raw:" + id, "raw:list"], [s_payload, id]);
    }

    public Task EnqueueBatchAsync(int jobs = Batch)
    {
        var arguments = new RedisValue[jobs + 1];
        Array.Fill(arguments, s_payload);
        arguments[0] = $"{Interlocked.Increment(ref _id):D13}";
        return _database.ScriptEvaluateAsync(EnqueueMany, ["raw:list"], arguments);
    }

    /// <summary>One loop: takes a hundred, does nothing with them, and acknowledges them.</summary>
    /// <returns>How many it has done, when nothing was left.</returns>
    public async Task<int> DrainAsync(Func<Task>? work = null)
    {
        for (var done = 0; ;)
        {
            var taken = (RedisValue[])(await _database.ScriptEvaluateAsync(Take, ["raw:list", "raw:active"], [Batch]))!;
            if (taken.Length == 0)
                return done;
            var ids = new RedisValue[taken.Length / 2];
            for (var i = 0; i < ids.Length; i++)
            {
                ids[i] = taken[2 * i];
                if (work is not null)
                    await work();
            }

            await _database.ScriptEvaluateAsync(Acknowledge, ["raw:active"], ids);
            done += ids.Length;
        }
    }

    public Task DrainAsync(int loops) => Task.WhenAll(Enumerable.Range(0, loops).Select(_ => Task.Run(() => DrainAsync())));
}
