using System.Runtime.CompilerServices;
using StackExchange.Redis;

namespace Resilient.Redis.Queue.Storage;

/// <summary>Reads large keys, and the names of a queue's keys, in pages: whatever is there all the time is seen at least once.</summary>
/// <param name="redis">The connection.</param>
/// <param name="root">The first part of the queue's keys, which are all on one node of a cluster.</param>
internal sealed class RedisScanner(IResilientRedis redis, RedisKey root)
{
    private const int Page = 500;

    public IAsyncEnumerable<string> SortedSetAsync(RedisKey key, CancellationToken cancellationToken) => MembersAsync("ZSCAN", key, 2, cancellationToken);

    public IAsyncEnumerable<string> HashAsync(RedisKey key, CancellationToken cancellationToken) => MembersAsync("HSCAN", key, 2, cancellationToken);

    public IAsyncEnumerable<string> SetAsync(RedisKey key, CancellationToken cancellationToken) => MembersAsync("SSCAN", key, 1, cancellationToken);

    /// <summary>What follows the root and this prefix in the names of keys. A name may come twice.</summary>
    public IAsyncEnumerable<string> KeysAsync(string prefix, CancellationToken cancellationToken)
    {
        var start = (string)root! + prefix;
        var pattern = start.Replace("{", "\\{", StringComparison.Ordinal) + "*";
        return ScanAsync(
            (database, cursor) => OnNodeAsync(database, root, "SCAN", cursor, "MATCH", pattern, "COUNT", Page), name => name[start.Length..], 1, cancellationToken);
    }

    private IAsyncEnumerable<string> MembersAsync(string command, RedisKey key, int step, CancellationToken cancellationToken) =>
        ScanAsync((database, cursor) => database.ExecuteAsync(command, key, cursor, "COUNT", Page), member => member, step, cancellationToken);

    private async IAsyncEnumerable<string> ScanAsync(
        Func<IDatabase, string, Task<RedisResult>> scan, Func<string, string> read, int step, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var cursor = "0";
        do
        {
            var reply = (RedisResult[])(await redis.ExecuteAsync(
                static (database, call) => call.scan(database, call.cursor), (scan, cursor), RetrySafety.Idempotent, cancellationToken).ConfigureAwait(false))!;
            cursor = (string)reply[0]!;
            var items = (string[])reply[1]!;
            for (var i = 0; i < items.Length; i += step)
                yield return read(items[i]);
        }
        while (cursor != "0");
    }

    /// <summary>SCAN has no key that would tell a cluster's driver where to send it.</summary>
    private static async Task<RedisResult> OnNodeAsync(IDatabase database, RedisKey key, string command, params object[] arguments)
    {
        var node = await database.IdentifyEndpointAsync(key).ConfigureAwait(false)
            ?? throw new RedisConnectionException(
                ConnectionFailureType.UnableToResolvePhysicalConnection, CommandFlags.None, $"No node is known for the slot of {key}.", null, CommandStatus.WaitingToBeSent);
        return await database.Multiplexer.GetServer(node).ExecuteAsync(database.Database, command, arguments).ConfigureAwait(false);
    }
}
