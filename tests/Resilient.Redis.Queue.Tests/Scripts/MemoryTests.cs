using System.Globalization;
using Resilient.Redis.Queue.Storage;
using Resilient.Redis.TestKit;
using StackExchange.Redis;

namespace Resilient.Redis.Queue.Tests.Scripts;

/// <summary>Rule R4: above maxmemory nothing new is accepted, and work goes on and frees memory.</summary>
public sealed class MemoryTests
{
    [NeedsRedisServerFact("CONFIG SET maxmemory")]
    public async Task Full_server_refuses_new_jobs_whole_and_lets_work_be_finished()
    {
        await using var server = await RedisServer.StartAsync("--maxmemory-policy", "noeviction");
        await using var connection = await server.ConnectAsync();
        var queue = await TestQueue.AtAsync(1_000_000, connection);
        var payload = JobEnvelope.Write(new byte[100_000], null);
        await queue.EnqueueManyAsync([.. Enumerable.Range(0, 50).Select(i => TestQueue.Job($"job{i}") with { Body = payload })]);
        await queue.EnqueueAsync("later", TimeSpan.FromSeconds(1));
        var worker = queue.Worker("w");
        // All scripts are known and have run before memory is short, as in life.
        var first = await worker.ClaimAsync(2);
        await worker.SettleAsync(first[0], new Outcome.Completed(default));
        await worker.ExtendAsync(first[1]);
        await queue.StateAsync();
        var before = await queue.StateAsync();
        await queue.Database.ExecuteAsync("CONFIG", "SET", "maxmemory", "1mb");

        var refused = await FluentActions.Awaiting(() => queue.EnqueueManyAsync(TestQueue.Job("new"), TestQueue.Job("delayed", TimeSpan.FromSeconds(5))))
            .Should().ThrowAsync<RedisServerException>();
        refused.Which.Kind.Should().Be(RedisErrorKind.OutOfMemory);
        await FluentActions.Awaiting(() => queue.EnqueueAsync("delayed", TimeSpan.FromSeconds(5))).Should().ThrowAsync<RedisServerException>();
        (await queue.EnqueueAsync("job7")).Should().Be(ReplyCode.Already, "nothing is written for a repeat");
        (await queue.StateAsync()).Should().BeEquivalentTo(before, options => options.WithStrictOrdering());

        var used = await UsedAsync(queue.Database);
        (await worker.ExtendAsync(first[1])).Should().Be(ReplyCode.Accepted);
        var jobs = await worker.ClaimAsync(48);
        jobs.Should().HaveCount(48);
        var reply = await worker.CallAsync(9, true, [.. jobs.Append(first[1]).Select(job => new Settlement(job, new Outcome.Completed(default), true))]);
        reply.Settlements.Should().HaveCount(49).And.OnlyContain(settled => settled.Code == ReplyCode.Accepted);
        (await UsedAsync(queue.Database)).Should().BeLessThan(used - 40 * 100_000, "a completed job gives its payload back");

        await queue.Database.ExecuteAsync("CONFIG", "SET", "maxmemory", "0");
        await queue.MoveToAsync(queue.Now + 1000);
        await worker.LookAsync();
        var state = await queue.StateAsync();
        state.Stat("completed").Should().Be(50);
        state.Waiting.Should().Equal("later");
        state.CheckInvariants();
    }

    private static async Task<long> UsedAsync(IDatabase database) =>
        long.Parse(((string)(await database.ExecuteAsync("INFO", "memory"))!).Split('\n')
            .First(line => line.StartsWith("used_memory:", StringComparison.Ordinal))["used_memory:".Length..], CultureInfo.InvariantCulture);
}
