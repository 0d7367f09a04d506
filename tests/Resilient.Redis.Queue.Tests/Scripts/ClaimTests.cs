using Resilient.Redis.Queue.Storage;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Scripts;

public sealed class ClaimTests(BothServers servers) : IClassFixture<BothServers>
{
    private static readonly TimeSpan s_lease = TimeSpan.FromSeconds(10);

    [Theory, OnBothServers]
    public async Task Waiting_jobs_are_leased_oldest_first(ServerKind kind)
    {
        var queue = await TestQueue.AtAsync(1_000_000, await servers.ConnectionAsync(kind));
        foreach (var id in (string[])["a", "b", "c"])
            (await queue.EnqueueAsync(id)).Should().Be(ReplyCode.Accepted);

        var jobs = await queue.Worker("w").ClaimAsync(2);

        jobs.Select(job => job.Lease.Id.Value).Should().Equal("a", "b");
        jobs.Should().OnlyContain(job => job.Lease.Token == 1_000_000_000 && job.Attempt == 1 && job.Lapses == 0 && !job.IsAlone && job.Name == "test");
        var state = await queue.StateAsync();
        state.Waiting.Should().Equal("c");
        state.Active.Should().BeEquivalentTo(new Dictionary<string, long> { ["a"] = 1_010_000, ["b"] = 1_010_000 });
        state.CheckInvariants();
    }

    [Theory, OnBothServers]
    public async Task Expired_lease_goes_back_to_the_head_and_out_again_with_a_higher_token(ServerKind kind)
    {
        var queue = await TestQueue.AtAsync(1_000_000, await servers.ConnectionAsync(kind));
        await queue.EnqueueAsync("a");
        await queue.EnqueueAsync("b");
        var first = (await queue.Worker("dead").ClaimAsync()).Single();

        var survivor = queue.Worker("survivor");
        await queue.PassAsync(s_lease, survivor);

        var state = await queue.StateAsync();
        state.Waiting.Should().Equal("a", "b");
        state.Active.Should().BeEmpty();
        state.CheckInvariants();
        var again = (await survivor.ClaimAsync()).Single();
        again.Lease.Id.Should().Be(first.Lease.Id);
        again.Lease.Token.Should().BeGreaterThan(first.Lease.Token);
        (await queue.StateAsync()).CheckInvariants();
    }
}
