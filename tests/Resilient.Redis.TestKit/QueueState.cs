using FluentAssertions;
using Resilient.Redis.Queue;
using Resilient.Redis.Queue.Storage;
using StackExchange.Redis;

namespace Resilient.Redis.TestKit;

/// <summary>The whole state of a queue, read key by key.</summary>
internal sealed record QueueState
{
    /// <summary>Without what is passed over.</summary>
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

    /// <summary>Sessions that want a bell.</summary>
    public required string[] Idle { get; init; }

    /// <summary>Jobs whose end somebody waits for.</summary>
    public required string[] Waited { get; init; }

    /// <summary>Queue time q, the end of the grace, and the server time of the last look; empty before the first.</summary>
    public required IReadOnlyDictionary<string, long> Clock { get; init; }

    public static async Task<QueueState> ReadAsync(IDatabase database, QueueKeys keys, JobStore store)
    {
        var prefix = ((string)keys.Root!) + "j:";
        // All primaries: on a cluster one of them has the queue's slot, whichever it is now.
        var found = database.Multiplexer.GetServers().Where(server => server is { IsReplica: false, IsConnected: true }).SelectMany(server => server.Keys(pattern: prefix.Replace("{", "\\{", StringComparison.Ordinal) + "*", pageSize: 10_000))
            .Select(key => ((string)key!)[prefix.Length..]).Distinct().Select(InspectAsync);
        var jobs = (await Task.WhenAll(found)).OfType<JobInfo>().ToDictionary(job => job.Id.Value);

        return new QueueState
        {
            Waiting = Without(await ListAsync(keys.Waiting), [.. (await database.SetMembersAsync(keys.Skip)).Select(id => (string)id!)]),
            Suspect = await ListAsync(keys.Suspect),
            Scheduled = await SetAsync(keys.Scheduled),
            Active = await SetAsync(keys.Active),
            Leases = [.. (await database.HashKeysAsync(keys.Leases)).Select(id => (string)id!)],
            Dead = [.. (await SetAsync(keys.Dead)).Keys],
            Done = [.. (await SetAsync(keys.Done)).Keys],
            Jobs = jobs,
            Idle = [.. (await SetAsync(keys.Idle)).Keys],
            Waited = [.. (await database.HashKeysAsync(keys.Waited)).Select(id => (string)id!)],
            Stats = await HashAsync(keys.Stats),
            Clock = await HashAsync(keys.Clock),
        };

        async Task<Dictionary<string, long>> HashAsync(RedisKey key) =>
            (await database.HashGetAllAsync(key)).ToDictionary(entry => (string)entry.Name!, entry => (long)entry.Value);

        async Task<JobInfo?> InspectAsync(string id) => await store.InspectAsync(JobId.Stored(id), System.Text.Json.JsonSerializerOptions.Web, default);

        async Task<string[]> ListAsync(RedisKey key) => [.. (await database.ListRangeAsync(key)).Select(id => (string)id!)];

        async Task<Dictionary<string, long>> SetAsync(RedisKey key) =>
            (await database.SortedSetRangeByRankWithScoresAsync(key)).ToDictionary(entry => (string)entry.Element!, entry => (long)entry.Score);
    }

    /// <summary>The invariants of docs/protocol.md that one look can test.</summary>
    public void CheckInvariants()
    {
        string[] placed = [.. Waiting, .. Suspect, .. Scheduled.Keys, .. Active.Keys, .. Dead, .. Done];
        placed.GroupBy(id => id).Where(places => places.Count() > 1).Select(places => places.Key).Should().BeEmpty("no id is in two sets");
        placed.Except(Jobs.Keys).Should().BeEmpty("no id is in a set without its job key");
        Jobs.Keys.Except(placed).Should().BeEmpty("no job key is outside all sets");
        Different(Leases, Active.Keys).Should().BeEmpty("every active job has a lease, and no other has");
        Different(Where(JobState.Waiting), Waiting.Concat(Suspect)).Should().BeEmpty("what says that it waits is in line");
        Different(Where(JobState.Scheduled), Scheduled.Keys).Should().BeEmpty("what says that it is scheduled is");
        Different(Where(JobState.Active), Active.Keys).Should().BeEmpty("what says that it is active has a deadline");
        Different(Where(JobState.Dead), Dead).Should().BeEmpty("what says that it is dead is among the dead");
        Different(Where(JobState.Completed).Concat(Where(JobState.Cancelled)), Done).Should().BeEmpty("what says that it is completed or cancelled will be forgotten");
        Waited.Except([.. Waiting, .. Suspect, .. Scheduled.Keys, .. Active.Keys]).Should().BeEmpty("nobody is left waiting for a job that has ended");
        Stat("accepted").Should().Be(
            Waiting.Length + Suspect.Length + Scheduled.Count + Active.Count + Dead.Length + Stat("completed") + Stat("cancelled") + Stat("removed") + Stat("trimmed") + Stat("lost"),
            "each accepted job is somewhere, or is counted where it went");
    }

    public long Stat(string name) => Stats.GetValueOrDefault(name);

    /// <summary>Without one of each of the ids.</summary>
    private static string[] Without(string[] line, HashSet<string> ids) => [.. line.Where(id => !ids.Remove(id))];

    /// <summary>As sets of their own: an equivalence assertion takes time by the square.</summary>
    private static HashSet<string> Different(IEnumerable<string> one, IEnumerable<string> other)
    {
        var set = one.ToHashSet();
        set.SymmetricExceptWith(other);
        return set;
    }

    private IEnumerable<string> Where(JobState state) => Jobs.Where(job => job.Value.State == state).Select(job => job.Key);
}
