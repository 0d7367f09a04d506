using System.Globalization;
using StackExchange.Redis;

namespace Resilient.Redis.TestKit;

/// <summary>A Redis Cluster of three primaries with one replica each or none, every node a process of its own.</summary>
public sealed class RedisCluster : IAsyncDisposable
{
    public const int Shards = 3;

    private const int Slots = 16384;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly List<RedisServer> _nodes = [];
    private readonly List<ConnectionMultiplexer> _beside = [];

    /// <summary>The primaries first, then their replicas in the same order.</summary>
    public IReadOnlyList<RedisServer> Nodes => _nodes;

    public string ConnectionString => string.Join(',', _nodes.Select(node => node.Endpoint));

    /// <param name="arguments">Further ones for each node.</param>
    public static Task<RedisCluster> StartAsync(params string[] arguments) => StartAsync(2 * Shards, arguments);

    /// <summary>Without replicas: what the primaries cost is then what clients have them do.</summary>
    public static Task<RedisCluster> StartPrimariesAsync(params string[] arguments) => StartAsync(Shards, arguments);

    private static async Task<RedisCluster> StartAsync(int nodes, string[] arguments)
    {
        var cluster = new RedisCluster();
        var buses = new List<int>();
        for (var i = 0; i < nodes; i++)
        {
            // The bus is at port + 10000 by default, which many a free port does not leave room for.
            buses.Add(Ports.Free());
            cluster._nodes.Add(await RedisServer.StartAsync([
                "--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-port", $"{buses[i]}",
                "--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "0", .. arguments]));
            cluster._beside.Add(await cluster._nodes[i].ConnectAsync());
        }

        for (var i = 0; i < Shards; i++)
            await cluster.AskAsync(i, "CLUSTER", "ADDSLOTSRANGE", $"{FirstSlot(i)}", $"{FirstSlot(i + 1) - 1}");
        for (var i = 0; i < nodes; i++)
        {
            await cluster.AskAsync(i, "CLUSTER", "SET-CONFIG-EPOCH", $"{i + 1}");
            if (i > 0)
                await cluster.AskAsync(0, "CLUSTER", "MEET", "127.0.0.1", $"{cluster._nodes[i].Port}", $"{buses[i]}");
        }

        await Eventually.TrueAsync(() => cluster.AllSayAsync("CLUSTER INFO", $"cluster_known_nodes:{nodes}", "cluster_state:ok"), s_patience, () => "the nodes do not know each other");
        if (nodes == Shards)
            return cluster;

        for (var i = 0; i < Shards; i++)
            await cluster.AskAsync(i + Shards, "CLUSTER", "REPLICATE", await cluster.AskAsync(i, "CLUSTER", "MYID"));
        await Eventually.TrueAsync(
            async () => await cluster.AllSayAsync("INFO replication", "master_link_status:up", from: Shards) && await cluster.AllKnowReplicasAsync(),
            s_patience,
            () => "the replicas are not in step");
        return cluster;
    }

    /// <summary>A {hash tag} whose keys are all on one shard.</summary>
    public async Task<string> TagOfAsync(int shard)
    {
        for (var i = 0; ; i++)
        {
            var slot = int.Parse(await AskAsync(0, "CLUSTER", "KEYSLOT", $"{{{i}}}"), CultureInfo.InvariantCulture);
            if (FirstSlot(shard) <= slot && slot < FirstSlot(shard + 1))
                return $"{{{i}}}";
        }
    }

    /// <summary>Awaits that the replica of a shard is its primary by its own word.</summary>
    public Task ReplicaTookOverAsync(int shard) =>
        Eventually.TrueAsync(async () => (await AskAsync(shard + Shards, "INFO", "replication")).Contains("role:master", StringComparison.Ordinal), s_patience, () => "the replica did not take over");

    /// <summary>Which shard has the slot of this key.</summary>
    public async Task<int> ShardOfAsync(string key)
    {
        var slot = await SlotOfAsync(key);
        for (var shard = 0; shard < Shards; shard++)
        {
            if ((await OwnSlotsAsync(shard)).Any(range => range.First <= slot && slot <= range.Last))
                return shard;
        }

        throw new InvalidOperationException($"No primary has slot {slot}.");
    }

    /// <summary>Moves the slot of a key to another shard as redis-cli --cluster reshard does: a few keys at a time, while clients go on.</summary>
    /// <param name="key">Any key of the slot.</param>
    /// <param name="to">The shard that takes it.</param>
    /// <param name="batch">How many keys move at a time.</param>
    /// <param name="pause">Between two batches.</param>
    /// <returns>How many keys were moved.</returns>
    public async Task<int> MoveSlotAsync(string key, int to, int batch, TimeSpan pause)
    {
        var (slot, from) = (await SlotOfAsync(key), await ShardOfAsync(key));
        var (source, target) = (await AskAsync(from, "CLUSTER", "MYID"), await AskAsync(to, "CLUSTER", "MYID"));
        await AskAsync(to, "CLUSTER", "SETSLOT", slot, "IMPORTING", source);
        await AskAsync(from, "CLUSTER", "SETSLOT", slot, "MIGRATING", target);
        var moved = 0;
        while (true)
        {
            var keys = (RedisKey[])(await _beside[from].GetServer("127.0.0.1", _nodes[from].Port).ExecuteAsync("CLUSTER", "GETKEYSINSLOT", slot, batch))!;
            if (keys.Length == 0)
                break;
            await AskAsync(from, "MIGRATE", ["127.0.0.1", _nodes[to].Port, "", 0, 5000, "KEYS", .. keys.Select(one => (object)one)]);
            moved += keys.Length;
            await Task.Delay(pause);
        }

        foreach (var node in (int[])[to, from, .. Enumerable.Range(0, Shards).Where(shard => shard != to && shard != from)])
            await AskAsync(node, "CLUSTER", "SETSLOT", slot, "NODE", target);
        return moved;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var beside in _beside)
            await beside.CloseAsync(allowCommandsToComplete: false);
        foreach (var node in _nodes)
            await node.DisposeAsync();
    }

    /// <summary>One command to one node, whatever slot it would belong to.</summary>
    public async Task<string> AskAsync(int node, string command, params object[] arguments) =>
        (string?)await _beside[node].GetServer("127.0.0.1", _nodes[node].Port).ExecuteAsync(command, arguments) ?? "";

    private async Task<int> SlotOfAsync(string key) => int.Parse(await AskAsync(0, "CLUSTER", "KEYSLOT", key), CultureInfo.InvariantCulture);

    /// <summary>What a primary says of itself: words like 0-5460 and 7000; what is in brackets is on its way.</summary>
    private async Task<IEnumerable<(int First, int Last)>> OwnSlotsAsync(int shard)
    {
        var self = (await AskAsync(shard, "CLUSTER", "NODES")).Split('\n').Single(line => line.Contains("myself", StringComparison.Ordinal));
        return self.Split(' ').Skip(8).Where(word => !word.StartsWith('[')).Select(word => word.Split('-')).Select(
            ends => (int.Parse(ends[0], CultureInfo.InvariantCulture), int.Parse(ends[^1], CultureInfo.InvariantCulture)));
    }

    private static int FirstSlot(int shard) => shard * Slots / Shards;

    private Task<bool> AllSayAsync(string question, string answer, int from) => AllSayAsync(question, [answer], from);

    private Task<bool> AllSayAsync(string question, params string[] answers) => AllSayAsync(question, answers, 0);

    private async Task<bool> AllSayAsync(string question, string[] answers, int from)
    {
        var words = question.Split(' ');
        for (var i = from; i < _nodes.Count; i++)
        {
            var said = await AskAsync(i, words[0], words[1]);
            if (!answers.All(answer => said.Contains(answer, StringComparison.Ordinal)))
                return false;
        }

        return true;
    }

    /// <summary>A primary that dies before the others have heard of its replica is replaced by nobody.</summary>
    private async Task<bool> AllKnowReplicasAsync()
    {
        for (var i = 0; i < _nodes.Count; i++)
        {
            var nodes = await AskAsync(i, "CLUSTER", "NODES");
            if (nodes.Split('\n').Count(line => line.Contains("slave", StringComparison.Ordinal)) != Shards)
                return false;
        }

        return true;
    }
}
