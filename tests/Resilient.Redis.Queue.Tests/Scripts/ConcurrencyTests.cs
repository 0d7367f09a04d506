using System.Collections.Concurrent;
using Resilient.Redis.Queue.Storage;
using Resilient.Redis.TestKit;
using StackExchange.Redis;

namespace Resilient.Redis.Queue.Tests.Scripts;

/// <summary>Rule R6: a script is atomic on both servers, whatever keys beside the root it names.</summary>
public sealed class ConcurrencyTests(BothServers servers) : ScriptTests(servers)
{
    private const int Jobs = 2000;
    private const int Connections = 8;

    [Theory, OnBothServers]
    public async Task Eight_connections_that_enqueue_claim_extend_and_settle_lose_nothing_and_hand_nothing_out_twice(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        var handedOut = new ConcurrentBag<Lease>();
        var settled = new ConcurrentBag<string>();

        await Task.WhenAll(Enumerable.Range(0, Connections).Select(n => Task.Run(() => WorkAsync(n))));

        settled.Should().HaveCount(Jobs).And.OnlyHaveUniqueItems();
        handedOut.Should().OnlyHaveUniqueItems("no two claims of a job have the same token");
        var state = await queue.StateAsync();
        (state.Stat("accepted"), state.Stat("completed"), state.Stat("lost"), state.Stat("dropped")).Should().Be((Jobs, Jobs, 0, 0));
        state.Active.Should().BeEmpty();
        state.CheckInvariants();

        async Task WorkAsync(int n)
        {
            await using var connection = await ConnectionMultiplexer.ConnectAsync(queue.Connection.Configuration);
            var store = queue.StoreOn(connection);
            for (var i = 0; i < Jobs / Connections; i += 50)
                await store.EnqueueAsync([.. Enumerable.Range(i, 50).Select(j => TestQueue.Job($"{n}/{j}"))], queue.Now + 10_000, default);

            Settlement[] ended = [];
            for (var sequence = 1; ; sequence++)
            {
                var reply = await store.WorkAsync($"w{n}", 0, new WorkCall(sequence, 7, true, ended), default);
                reply.Settlements.Where(settlement => settlement.Code != ReplyCode.Accepted).Should().BeEmpty("nobody else has what was claimed");
                foreach (var (settlement, answer) in ended.Zip(reply.Settlements).Where(pair => pair.Second.State is JobState.Completed))
                    settled.Add(settlement.Lease.Id.Value);
                foreach (var job in reply.Jobs)
                    handedOut.Add(job.Lease);
                if (reply.Jobs.Length > 0)
                    (await store.ExtendAsync($"w{n}", [.. reply.Jobs.Select(job => new Extension(job.Lease, true))], default))
                        .Should().OnlyContain(code => code == ReplyCode.Accepted);
                ended = [.. reply.Jobs.Select((job, i) => new Settlement(job, i == 3 && job.Attempt == 1 ? new Outcome.Failed(TimeSpan.Zero, "once more") : new Outcome.Completed(default), true))];
                if (ended.Length == 0 && settled.Count >= Jobs)
                    return;
            }
        }
    }
}
