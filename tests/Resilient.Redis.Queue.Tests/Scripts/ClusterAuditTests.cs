using Resilient.Redis.TestKit;
using StackExchange.Redis;

namespace Resilient.Redis.Queue.Tests.Scripts;

public sealed class ClusterAuditTests
{
    /// <summary>SCAN names no key: it has to be sent to the node that has the queue.</summary>
    [NeedsRedisServerFact("Garnet has no cluster here")]
    public async Task Audit_looks_at_the_node_that_has_the_queue()
    {
        await using var cluster = await RedisCluster.StartAsync();
        await using var connection = await ConnectionMultiplexer.ConnectAsync(cluster.ConnectionString);
        for (var i = 0; i < 4; i++) // other names, other nodes
        {
            var queue = await TestQueue.AtAsync(1_000_000, connection);
            await queue.EnqueueManyAsync(TestQueue.Job("a"), TestQueue.Job("b"));
            await queue.Database.KeyDeleteAsync(queue.Keys.Waiting);
            await queue.EnqueueAsync("c");

            var report = await queue.Store.AuditAsync(true, default);

            report.Jobs.Should().Be(3);
            report.Findings.Select(finding => (finding.Kind, finding.Subject)).Should().BeEquivalentTo(
                [(AuditFindingKind.NoPlace, "a"), (AuditFindingKind.NoPlace, "b")]);
            (await queue.Store.AuditAsync(false, default)).Findings.Should().BeEmpty();
        }
    }
}
