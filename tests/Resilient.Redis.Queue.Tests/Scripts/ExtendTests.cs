using Resilient.Redis.Queue.Storage;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Scripts;

public sealed class ExtendTests(BothServers servers) : ScriptTests(servers)
{
    /// <summary>A list would be searched from its beginning for each of its up to 512 fields.</summary>
    [NeedsRedisServerFact("OBJECT ENCODING")]
    public async Task Leases_stand_in_a_table_from_the_first_whatever_they_tell()
    {
        foreach (var progress in new[] { "", "50 %", new string('x', 200) })
        {
            var queue = await QueueAsync(ServerKind.RedisServer);
            await queue.EnqueueAsync("a");
            var worker = queue.Worker("w");

            var job = (await worker.ClaimAsync()).Single();

            (await EncodingAsync(queue)).Should().Be("hashtable");
            await worker.ExtendAsync(new Extension(job.Lease, Started: true, progress));
            (await queue.Database.HashGetAsync(queue.Keys.Leases, "a")).Length().Should().BeGreaterThan(64, "the next table is made of what is stored then");
            (await queue.StateAsync()).CheckInvariants();
        }

        static async Task<string> EncodingAsync(TestQueue queue) => (string)(await queue.Database.ExecuteAsync("OBJECT", "ENCODING", queue.Keys.Leases))!;
    }

    [Theory, OnBothServersInEachStanding]
    public async Task Only_a_lease_that_is_still_held_is_extended(ServerKind kind, Standing standing)
    {
        var queue = await QueueAsync(kind);
        var seeded = await StandingJob.SeedAsync(queue, standing);
        var before = await queue.StateAsync();
        var held = standing is Standing.ActiveMine or Standing.Expired or Standing.RecordMissing or Standing.RecordDamaged;

        var codes = await seeded.Me.ExtendAsync(new Extension(seeded.Lease, false));

        codes.Should().Equal(held ? ReplyCode.Accepted : ReplyCode.Lost);
        var after = await queue.StateAsync();
        if (held)
            after.Active[StandingJob.Id].Should().Be(queue.Now + 10_000);
        else
            after.Should().BeEquivalentTo(before, options => options.WithStrictOrdering().Excluding(state => state.Clock));
        if (standing is not (Standing.RecordMissing or Standing.RecordDamaged))
            after.CheckInvariants();
    }

    [Theory, OnBothServers]
    public async Task More_leases_than_one_call_takes_are_extended_and_answered_in_order(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await EnqueueManyAsync(queue, 2501);
        var worker = queue.Worker("w");
        var jobs = await worker.ClaimAsync(5000);
        await worker.SettleAsync(jobs[1700], new Outcome.Completed(default));
        await queue.MoveToAsync(Start + 2000);

        var codes = await worker.ExtendAsync([.. jobs.Select(job => new Extension(job.Lease, true))]);

        codes.Select((code, i) => (code, i)).Where(pair => pair.code != ReplyCode.Accepted).Should().Equal((ReplyCode.Lost, 1700));
        var state = await queue.StateAsync();
        state.Active.Should().HaveCount(2500).And.OnlyContain(job => job.Value == Start + 12_000);
        state.CheckInvariants();
    }

    /// <summary>A process that lost a job and claimed it again extends both for a moment; the order in which it does must not matter.</summary>
    [Theory, OnBothServers]
    public async Task Old_token_beside_the_new_one_does_not_cost_the_new_one_its_lease(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        var seeded = await StandingJob.SeedAsync(queue, Standing.Expired);
        var old = seeded.Lease with { Token = seeded.Lease.Token - 1 };

        var codes = await seeded.Me.ExtendAsync(new Extension(seeded.Lease, false), new Extension(old, false));

        codes.Should().Equal(ReplyCode.Accepted, ReplyCode.Lost);
        var state = await queue.StateAsync();
        state.Active.Keys.Should().Equal(StandingJob.Id);
        state.CheckInvariants();
    }

    /// <summary>A queue whose workers are all busy has no other look than this.</summary>
    [Theory, OnBothServers]
    public async Task Extend_promotes_recovers_and_forgets_too(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await queue.EnqueueAsync("expires");
        await queue.Worker("dead").ClaimAsync();
        await queue.EnqueueAsync("mine");
        var busy = queue.Worker("busy");
        var job = (await busy.ClaimAsync()).Single();
        await queue.EnqueueAsync("due", Seconds(3));

        for (var i = 1; i <= 5; i++)
        {
            await queue.MoveToAsync(Start + i * 2000);
            (await busy.ExtendAsync(job)).Should().Be(ReplyCode.Accepted);
            (await queue.StateAsync()).CheckInvariants();
        }

        var state = await queue.StateAsync();
        state.Waiting.Should().Equal("expires", "due");
        state.Active.Should().BeEquivalentTo(new Dictionary<string, long> { ["mine"] = Start + 20_000 });
    }

    [Theory, OnBothServers]
    public async Task Synchronous_form_does_the_same(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        var seeded = await StandingJob.SeedAsync(queue, Standing.ActiveMine);
        await queue.MoveToAsync(Start + 1000);

        queue.Store.Extend(queue.Database, seeded.Me.Session, [new Extension(seeded.Lease, true)]).Codes.Should().Equal(ReplyCode.Accepted);

        (await queue.StateAsync()).Active[StandingJob.Id].Should().Be(Start + 11_000);
    }
}
