using System.Text;
using Resilient.Redis.Queue.Storage;
using Resilient.Redis.Queue.Testing.Memory;
using Resilient.Redis.TestKit;
using StackExchange.Redis;

namespace Resilient.Redis.Queue.Tests.Model;

/// <summary>All that is stored, as lines of text, on either side.</summary>
internal sealed class StateDump(TestQueue redis, InMemoryJobStore memory)
{
    private static readonly string s_script = Read("_clock") + Read("_prelude") + Read("_record") + Read("_history") + """
        local root, ids, lines = KEYS[1], tonumber(ARGV[1]), {}
        local function text(value) return type(value) == 'number' and int(value) or tostring(value) end
        local function list(name) lines[#lines + 1] = name .. ': ' .. table.concat(redis.call('LRANGE', root .. name, 0, -1), ' ') end
        local function pairs_of(name, all, say)
          local parts = {}
          for i = 1, #all, 2 do parts[#parts + 1] = all[i] .. '=' .. say(all[i + 1]) end
          return name .. ': ' .. table.concat(parts, ' ')
        end
        local function scored(name) lines[#lines + 1] = pairs_of(name, redis.call('ZRANGE', root .. name, 0, -1, 'WITHSCORES'), function(score) return int(tonumber(score)) end) end
        local function hash(name, say)
          local all, sorted = redis.call('HGETALL', root .. name), {}
          for i = 1, #all, 2 do sorted[#sorted + 1] = all[i] .. '=' .. say(all[i + 1]) end
          table.sort(sorted)
          lines[#lines + 1] = name .. ': ' .. table.concat(sorted, ' ')
        end
        local function fields(record)
          local sorted = {}
          for name, value in pairs(record) do
            if name == 'history' then
              local entries = history_of(record)
              for i, e in ipairs(entries) do entries[i] = int(e[1]) .. '/' .. int(e[2]) .. '/' .. e[3] .. '/' .. int(e[4]) .. '/' .. e[5] end
              value = table.concat(entries, ' ')
            end
            sorted[#sorted + 1] = name .. '=' .. text(value)
          end
          table.sort(sorted)
          return table.concat(sorted, ' ')
        end
        list('waiting') list('suspect')
        for _, name in ipairs({ 'scheduled', 'active', 'dead', 'done', 'idle' }) do scored(name) end
        hash('leases', function(packed) local lease = decode_lease(packed) return lease and '{' .. fields(lease) .. '}' or 'damaged' end)
        for _, name in ipairs({ 'stats', 'clock', 'settings' }) do hash(name, text) end
        for _, name in ipairs({ 'outbox', 'recurring', 'ticks' }) do
          hash(name, function(packed)
            local parts = unpack_array(packed)
            for i = 1, #parts do parts[i] = text(parts[i]) end
            return '{' .. table.concat(parts, ' ') .. '}'
          end)
        end
        hash('rate', text)
        hash('waited', function(packed) return '{' .. table.concat(unpack_array(packed), ' ') .. '}' end)
        for i = 2, ids + 1 do
          local raw = redis.call('GET', job_key_of(root, ARGV[i]))
          local job, holder = raw and decode(raw), raw and decode_refusal(raw)
          if raw then lines[#lines + 1] = 'job ' .. ARGV[i] .. ': ' .. (job and fields(job) or holder and 'refused for ' .. holder or decode_trace(raw) and 'removed' or 'damaged') end
        end
        for i = ids + 2, #ARGV do lines[#lines + 1] = 'unique ' .. ARGV[i] .. ': ' .. (redis.call('GET', unique_key(root, ARGV[i])) or '') end
        return lines
        """;

    private static string[] Keys => [.. Enumerable.Range(1, Sequence.Keys).Select(i => $"k{i}")];

    public async Task CompareAsync(IReadOnlyCollection<JobId> ids, bool spoilt)
    {
        string[] names = [.. ids.Select(id => id.Value).Order(StringComparer.Ordinal)];
        RedisValue[] arguments = [names.Length, .. names.Select(name => (RedisValue)name), .. Keys.Select(key => (RedisValue)key)];
        var theirs = (string[])(await redis.Database.ScriptEvaluateAsync(s_script, [redis.Keys.Root], arguments))!;
        var ours = memory.Read(data => Lines(data, names));

        var different = theirs.Except(ours).Select(line => $"Redis has    {line}").Concat(ours.Except(theirs).Select(line => $"memory has   {line}")).ToList();
        if (different.Count > 0)
            throw new Disagreement(string.Join("\n     ", different));
        // The two agree, so one look at the nearer of them serves for both.
        if (!spoilt)
            memory.Read(data => Stored(data)).CheckInvariants();
    }

    /// <summary>Deletes what has a time to live, on both sides.</summary>
    public async Task ExpireAsync(Action<string> tell)
    {
        var (keys, traces) = memory.Read(data =>
        (
            data.Unique.Where(held => held.Value.ExpiresAt is not null).Select(held => held.Key).ToList(),
            data.Records.Where(record => record.Value is TraceRecord).Select(record => record.Key).ToList()));
        tell($"gone by themselves: keys [{string.Join(" ", keys)}], traces [{string.Join(" ", traces)}]");
        foreach (var key in keys)
            await redis.Database.KeyDeleteAsync(redis.Keys.Unique(key));
        foreach (var id in traces)
            await redis.DeleteRecordAsync(id);
        memory.Read(data => keys.Count(data.Unique.Remove) + traces.Count(data.Records.Remove));
    }

    private static string[] Lines(QueueData data, string[] ids) =>
    [
        $"waiting: {string.Join(' ', data.Waiting)}",
        $"suspect: {string.Join(' ', data.Suspect)}",
        Scored("scheduled", data.Scheduled), Scored("active", data.Active), Scored("dead", data.Dead), Scored("done", data.Done), Scored("idle", data.Idle),
        Hash("leases", data.Leases.Select(held => $"{held.Key}={{{Of(held.Value)}}}")),
        Hash("stats", data.Stats.Select(stat => $"{stat.Key}={stat.Value}")),
        Hash("clock", data.QueueTime is null ? [] : [$"hold={data.Hold}", $"last={data.LastLook}", $"q={data.QueueTime}"]),
        Hash("settings", [.. data.LeaseMs is null ? [] : (string[])[$"lease={data.LeaseMs}"], .. data.IsPaused ? (string[])["paused=1"] : [], .. data.IsDraining ? (string[])["draining=1"] : []]),
        Hash("outbox", data.Outbox.Values.Select(entry => $"{entry.Job.Id}={{{entry.Queue} {entry.Job.Name} {entry.Due} {Of(entry.Job)}}}")),
        Hash("recurring", data.Recurring.Select(entry => $"{entry.Key}={{1 {entry.Value.Cron} {entry.Value.Zone} {entry.Value.Job.Name} {Of(entry.Value.Job)}}}")),
        Hash("ticks", data.Ticks.Select(tick => $"{tick.Key}={{{tick.Value.Due} {tick.Value.Seen} {tick.Value.Last} {(tick.Value.IsRemoved ? 1 : 0)}}}")),
        Hash("rate", data.Rate is not { } rate ? [] : [$"level={rate.Level}", $"at={rate.At}", $"period={rate.Period}", $"turn={rate.Turn}", $"until={rate.Until}"]),
        Hash("waited", data.Waited.Select(job => $"{job.Key}={{{string.Join(' ', job.Value)}}}")),
        .. ids.Where(data.Records.ContainsKey).Select(id => $"job {id}: {Of(data.Records[id])}"),
        .. Keys.Select(key => $"unique {key}: {data.Unique.GetValueOrDefault(key)?.Id}"),
    ];

    private static string Scored(string name, ScoredSet set) => $"{name}: {string.Join(' ', set.Ascending.Select(entry => $"{entry.Member}={entry.Score}"))}";

    private static string Hash(string name, IEnumerable<string> entries) => $"{name}: {string.Join(' ', entries.Order(StringComparer.Ordinal))}";

    private static string Of(StoredLease lease) =>
        $"cancel={lease.Cancel} claimed_ms={lease.ClaimedAt} progress={lease.Progress} session={lease.Session} started={(lease.Started ? 1 : 0)} token={lease.Token}";

    private static string Of(NewJob job) =>
        $"{job.MaxAttempts} {job.Timeout.TotalMilliseconds} {job.Keep.TotalMilliseconds} {Encoding.UTF8.GetString(job.Body)} {job.UniqueKey} {job.UniqueFor.TotalMilliseconds}";

    private static string Of(JobAttempt attempt) => $"{attempt.Attempt}/{attempt.At.ToUnixTimeMilliseconds()}/{attempt.Worker}/{(int)attempt.Outcome}/{attempt.Error}";

    private static string Of(StoredRecord record) => record switch
    {
        RefusalRecord refusal => $"refused for {refusal.Holder}",
        RemovalRecord => "removed",
        StoredJob job => $"attempt={job.Attempt} body={Text(job.Body)} ended_ms={job.EndedAt} enqueued_ms={job.EnqueuedAt} error={job.Error} expiries={job.Expiries} history={string.Join(' ', job.History.Select(Of))} keep_ms={job.KeepMs}"
            + $" lapses={job.Lapses} max_attempts={job.MaxAttempts} name={job.Name} result={Text(job.Result)} session={job.Session} state={(int)job.State} timeout_ms={job.TimeoutMs} token={job.Token} unique={job.UniqueKey}",
        _ => "damaged",
    };

    private static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);

    private QueueState Stored(QueueData data) => new()
    {
        Waiting = [.. data.Waiting],
        Suspect = [.. data.Suspect],
        Scheduled = data.Scheduled.Ascending.ToDictionary(entry => entry.Member, entry => entry.Score),
        Active = data.Active.Ascending.ToDictionary(entry => entry.Member, entry => entry.Score),
        Leases = [.. data.Leases.Keys],
        Dead = [.. data.Dead.Ascending.Select(entry => entry.Member)],
        Done = [.. data.Done.Ascending.Select(entry => entry.Member)],
        Jobs = data.Records.Keys.Select(id => memory.Inspect(id, System.Text.Json.JsonSerializerOptions.Web)).OfType<JobInfo>().ToDictionary(job => job.Id.Value),
        Stats = data.Stats,
        Waited = [.. data.Waited.Keys],
        Idle = [.. data.Idle.Ascending.Select(entry => entry.Member)],
        Clock = new Dictionary<string, long>(),
    };

    private static string Read(string part)
    {
        using var stream = typeof(JobStore).Assembly.GetManifestResourceStream(part + ".lua")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd() + "\n";
    }
}
