using FluentAssertions;
using Resilient.Redis.Queue;
using Resilient.Redis.Queue.Storage;
using StackExchange.Redis;

namespace Resilient.Redis.TestKit;

/// <summary>The whole state of a queue, read key by key.</summary>
internal sealed record QueueState
{
    public required string[] Waiting { get; init; }

    public required string[] Suspect { get; init; }

    public required IReadOnlyDictionary<string, long> Scheduled { get; init; }

    /// <summary>id -> deadline in queue time.</summary>
    public required IReadOnlyDictionary<string, long> Active { get; init; }

    public required string[] Leases { get; init; }

    public required string[] Dead { get; init; }

    public required string[] Done { get; init; }

    public required IReadOnlyDictionary<string, JobInfo> Jobs { get; init; }

    public required IReadOnlyDictionary<string, long> Stats { get; init; }

    public static async Task<QueueState> ReadAsync(IDatabase database, QueueKeys keys, JobStore store)
    {
        var jobs = new Dictionary<string, JobInfo>();
        var prefix = ((string)keys.Root!) + "job:";
        var server = database.Multiplexer.GetServers().First(server => !server.IsReplica);
        foreach (var key in server.Keys(pattern: prefix.Replace("{", "\\{", StringComparison.Ordinal) + "*", pageSize: 10_000).Select(key => (string)key!).Distinct())
        {
            var id = key[prefix.Length..];
            if (await store.InspectAsync(JobId.Stored(id), System.Text.Json.JsonSerializerOptions.Web, default) is { } job)
                jobs[id] = job;
        }

        return new QueueState
        {
            Waiting = await ListAsync(keys.Waiting),
            Suspect = await ListAsync(keys.Suspect),
            Scheduled = await SetAsync(keys.Scheduled),
            Active = await SetAsync(keys.Active),
            Leases = [.. (await database.HashKeysAsync(keys.Leases)).Select(id => (string)id!)],
            Dead = [.. (await SetAsync(keys.Dead)).Keys],
            Done = [.. (await SetAsync(keys.Done)).Keys],
            Jobs = jobs,
            Stats = (await database.HashGetAllAsync(keys.Stats)).ToDictionary(entry => (string)entry.Name!, entry => (long)entry.Value),
        };

        async Task<string[]> ListAsync(RedisKey key) => [.. (await database.ListRangeAsync(key)).Select(id => (string)id!)];

        async Task<Dictionary<string, long>> SetAsync(RedisKey key) =>
            (await database.SortedSetRangeByRankWithScoresAsync(key)).ToDictionary(entry => (string)entry.Element!, entry => (long)entry.Score);
    }

    /// <summary>The invariants of docs/protocol.md that one look can test.</summary>
    public void CheckInvariants()
    {
        string[] placed = [.. Waiting, .. Suspect, .. Scheduled.Keys, .. Active.Keys, .. Dead, .. Done];
        placed.Should().OnlyHaveUniqueItems("no id is in two sets");
        placed.Should().BeSubsetOf(Jobs.Keys, "no id is in a set without its job key");
        Jobs.Keys.Should().BeSubsetOf(placed, "no job key is outside all sets");
        Leases.Should().BeEquivalentTo(Active.Keys, "every active job has a lease, and no other has");
        Where(JobState.Waiting).Should().BeEquivalentTo(Waiting.Concat(Suspect));
        Where(JobState.Scheduled).Should().BeEquivalentTo(Scheduled.Keys);
        Where(JobState.Active).Should().BeEquivalentTo(Active.Keys);
        Where(JobState.Dead).Should().BeEquivalentTo(Dead);
        Where(JobState.Completed).Should().BeEquivalentTo(Done);
        Stat("accepted").Should().Be(
            Waiting.Length + Suspect.Length + Scheduled.Count + Active.Count + Dead.Length + Stat("completed") + Stat("trimmed") + Stat("lost"),
            "each accepted job is somewhere, or is counted where it went");
    }

    public long Stat(string name) => Stats.GetValueOrDefault(name);

    private IEnumerable<string> Where(JobState state) => Jobs.Where(job => job.Value.State == state).Select(job => job.Key);
}
