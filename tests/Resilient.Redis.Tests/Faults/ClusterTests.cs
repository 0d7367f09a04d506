using System.Diagnostics;
using Resilient.Redis.TestKit;
using Xunit.Abstractions;

namespace Resilient.Redis.Tests.Faults;

/// <summary>A Redis Cluster of 3 + 3 loses a primary: the other shards do not notice, and its own is back with its replica.</summary>
public sealed class ClusterTests(ITestOutputHelper output)
{
    private const int Dead = 1;

    [NeedsRedisServerFact("Redis Cluster")]
    public Task Killed_primary_stops_its_own_keys_until_its_replica_takes_over_and_no_others() => LosesOneAsync(cluster => cluster.Nodes[Dead].KillAsync());

    [NeedsRedisServerFact("Redis Cluster")]
    public Task Killed_primary_does_not_even_delay_other_shards_where_the_cluster_serves_what_it_has() =>
        LosesOneAsync(cluster => cluster.Nodes[Dead].KillAsync(), fullCoverage: false);

    [NeedsRedisServerFact("Redis Cluster")]
    public Task Killed_primary_may_be_the_only_node_that_the_connection_string_names() => LosesOneAsync(cluster => cluster.Nodes[Dead].KillAsync(), onlySeed: Dead);

    [NeedsRedisServerFact("Redis Cluster")]
    public async Task Frozen_primary_is_given_up_when_its_replica_has_taken_over()
    {
        using var logs = new CollectedLogs();

        // By itself the driver goes on sending keys there until it was silent for four times this.
        var attempt = TimeSpan.FromSeconds(2);
        await LosesOneAsync(
            cluster =>
            {
                cluster.Nodes[Dead].Freeze();
                return Task.CompletedTask;
            },
            inFlight: attempt,
            logs: logs);
        logs.Story().Should().Contain(line => line.StartsWith("107:") && line.Contains("its cluster has given it up"));
    }

    /// <param name="fault">What happens to one primary.</param>
    /// <param name="inFlight">How long a call may wait that was sent to it just before its replica took over: AttemptTimeout then.</param>
    /// <param name="fullCoverage">Redis' default: while one shard has no primary, the others refuse their keys too.</param>
    /// <param name="onlySeed">The one node of the connection string; all by default.</param>
    /// <param name="logs">Takes the library's lines.</param>
    private async Task LosesOneAsync(Func<RedisCluster, Task> fault, TimeSpan inFlight = default, bool fullCoverage = true, int? onlySeed = null, CollectedLogs? logs = null)
    {
        await using var cluster = await RedisCluster.StartAsync("--cluster-require-full-coverage", fullCoverage ? "yes" : "no");
        logs ??= new CollectedLogs();
        await using var redis = Testing.Create(
            onlySeed is { } seed ? cluster.Nodes[seed].Endpoint : cluster.ConnectionString,
            o => o.AttemptTimeout = inFlight > TimeSpan.Zero ? inFlight : Testing.Attempt,
            logs);
        await redis.GetConnectionAsync();
        var tags = await Task.WhenAll(Enumerable.Range(0, RedisCluster.Shards).Select(cluster.TagOfAsync));
        await using var load = WriteLoad.Start(redis, RetrySafety.Idempotent, (writer, n) => $"{tags[writer % 3]}a{writer}:{n}");
        await using var careful = WriteLoad.Start(redis, RetrySafety.IfNotSent, (writer, n) => $"{tags[writer % 3]}b{writer}:{n}");
        await Eventually.TrueAsync(() => load.Acknowledged.Count > 500 && careful.Acknowledged.Count > 500, TimeSpan.FromSeconds(20), () => logs.Text);

        var killedAt = Stopwatch.GetTimestamp();
        await fault(cluster);
        await cluster.ReplicaTookOverAsync(Dead);
        var takenOverAt = Stopwatch.GetTimestamp();
        await Eventually.TrueAsync(() => Gap(load) < TimeSpan.MaxValue && Gap(careful) < TimeSpan.MaxValue, redis.TotalTimeout + Testing.Slack, () => logs.Text);
        await Task.WhenAll(load.StopAsync(), careful.StopAsync());

        output.WriteLine($"the replica took over {Stopwatch.GetElapsedTime(killedAt, takenOverAt).TotalMilliseconds:0} ms after the kill");
        foreach (var (name, one) in ((string, WriteLoad)[])[("idempotent", load), ("if not sent", careful)])
        {
            var others = one.Failures.Where(failure => failure.Writer % 3 != Dead).ToList();
            output.WriteLine($"""
                {name}: first success of its own keys {Gap(one).TotalMilliseconds:0} ms after that; {one.Failures.Count - others.Count} failures, the longest call {one.LongestFailure.TotalMilliseconds:0} ms
                  other shards: {others.Count} failures, {one.Acknowledged.Count(write => write.Writer % 3 != Dead && write.At > killedAt)} successes, the slowest {Slowest(one).TotalMilliseconds:0} ms
                {string.Join('\n', one.Failures.GroupBy(failure => (failure.Writer % 3 == Dead, failure.Error.Message[..Math.Min(250, failure.Error.Message.Length)])).Select(group => $"  {group.Count()} x own={group.Key.Item1} {group.Key.Item2}").Take(12))}
                """);
        }

        output.WriteLine(string.Join('\n', logs.Story()));
        foreach (var one in (WriteLoad[])[load, careful])
        {
            one.Failures.Count(failure => failure.Writer % 3 != Dead).Should().Be(0, "their shards are well");
            one.Failures.Count(failure => failure.Error is not RedisUnavailableException).Should().Be(0);
            one.LongestFailure.Should().BeLessThan(redis.TotalTimeout + Testing.Slack);
            Gap(one).Should().BeLessThan(TimeSpan.FromSeconds(1) + inFlight + Testing.Slack);
            if (!fullCoverage)
                Slowest(one).Should().BeLessThan(Testing.Slack);
        }

        redis.Availability.IsUp.Should().BeTrue();

        TimeSpan Slowest(WriteLoad one) => one.Acknowledged.Where(write => write.Writer % 3 != Dead && write.At > killedAt).Max(write => write.Took);

        TimeSpan Gap(WriteLoad one) => one.FirstSuccessAfter(takenOverAt, write => write.Writer % 3 == Dead);
    }
}
