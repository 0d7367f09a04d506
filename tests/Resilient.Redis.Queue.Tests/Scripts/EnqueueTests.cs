using System.Text;
using Resilient.Redis.Queue.Storage;
using Resilient.Redis.TestKit;
using StackExchange.Redis;

namespace Resilient.Redis.Queue.Tests.Scripts;

public sealed class EnqueueTests(BothServers servers) : ScriptTests(servers)
{
    [Theory, OnBothServers]
    public async Task New_jobs_wait_in_order_and_delayed_ones_are_scheduled(ServerKind kind)
    {
        var queue = await QueueAsync(kind);

        var codes = await queue.EnqueueManyAsync(TestQueue.Job("a"), TestQueue.Job("later", Seconds(5)), TestQueue.Job("b"));

        codes.Should().Equal(ReplyCode.Accepted, ReplyCode.Accepted, ReplyCode.Accepted);
        var state = await queue.StateAsync();
        state.Waiting.Should().Equal("a", "b");
        state.Scheduled.Should().BeEquivalentTo(new Dictionary<string, long> { ["later"] = Start + 5000 });
        state.Stats.Should().BeEquivalentTo(new Dictionary<string, long> { ["accepted"] = 3 });
        state.Clock.Should().BeEmpty("only workers' calls tick queue time");
        state.CheckInvariants();
    }

    [Theory, OnBothServersInEachStanding]
    public async Task Known_id_is_answered_already_and_nothing_changes(ServerKind kind, Standing standing)
    {
        var queue = await QueueAsync(kind);
        await StandingJob.SeedAsync(queue, standing);
        var before = await queue.StateAsync();

        var code = await queue.EnqueueAsync(StandingJob.Id);

        if (standing is Standing.Unknown or Standing.RecordMissing)
        {
            code.Should().Be(ReplyCode.Accepted);
            (await queue.StateAsync()).Waiting.Should().Equal(StandingJob.Id);
        }
        else
        {
            code.Should().Be(ReplyCode.Already);
            (await queue.StateAsync()).Should().BeEquivalentTo(before, options => options.WithStrictOrdering());
        }
    }

    [Theory, OnBothServers]
    public async Task Id_twice_in_a_batch_makes_one_job(ServerKind kind)
    {
        var queue = await QueueAsync(kind);

        var codes = await queue.EnqueueManyAsync(TestQueue.Job("a"), TestQueue.Job("b"), TestQueue.Job("a", Seconds(1)));

        codes.Should().Equal(ReplyCode.Accepted, ReplyCode.Accepted, ReplyCode.Already);
        var state = await queue.StateAsync();
        state.Waiting.Should().Equal("a", "b");
        state.CheckInvariants();
    }

    /// <summary>Jobs enqueued alike go the plain way of Scripts/_plain.lua, which must see what the other ways see.</summary>
    [Theory, OnBothServers]
    public async Task Id_twice_among_jobs_enqueued_alike_makes_one_job(ServerKind kind)
    {
        var queue = await QueueAsync(kind);

        (await queue.EnqueueManyAsync(TestQueue.Job("a"), TestQueue.Job("b"), TestQueue.Job("a"))).Should().Equal(ReplyCode.Accepted, ReplyCode.Accepted, ReplyCode.Already);
        (await queue.EnqueueManyAsync(TestQueue.Job("c"), TestQueue.Job("b"))).Should().Equal(ReplyCode.Accepted, ReplyCode.Already);

        var state = await queue.StateAsync();
        state.Waiting.Should().Equal("a", "b", "c");
        state.CheckInvariants();
    }

    [Theory, OnBothServers]
    public async Task Draining_queue_refuses_jobs_enqueued_alike(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await queue.Store.DrainAsync(default);

        (await queue.EnqueueManyAsync(TestQueue.Job("a"), TestQueue.Job("b"))).Should().Equal(ReplyCode.Draining, ReplyCode.Draining);

        (await queue.StateAsync()).Jobs.Should().BeEmpty();
    }

    [Theory, OnBothServers]
    public async Task Batch_of_more_than_one_chunk_keeps_its_order(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        var jobs = Enumerable.Range(0, 5001).Select(i => TestQueue.Job($"job{i}", i % 2 == 0 ? default : Seconds(i))).ToArray();

        await queue.EnqueueManyAsync(jobs);

        var state = await queue.StateAsync();
        state.Waiting.Should().Equal(Enumerable.Range(0, 2501).Select(i => $"job{2 * i}"));
        state.Scheduled.Should().HaveCount(2500).And.Contain("job4999", Start + 4_999_000);
        state.CheckInvariants();
    }

    [Theory, OnBothServers]
    public async Task Payload_headers_and_name_come_out_byte_for_byte(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        var bytes = Enumerable.Range(0, 1024 * 1024).Select(i => (byte)(i * 31)).ToArray();
        var headers = new Dictionary<string, string> { ["traceparent"] = "00-ab", ["schlüssel"] = "日本\0\r\n🦊", ["empty"] = "" };
        var name = "täst.日本";
        await queue.EnqueueManyAsync(
            new NewJob(new JobId("large"), name, JobEnvelope.Write(bytes, headers), default, 3, Seconds(7), Seconds(60)),
            new NewJob(new JobId("empty"), name, JobEnvelope.Write([], null), default, 3, default, Seconds(60)));

        var jobs = await queue.Worker("w").ClaimAsync(2);

        jobs.Select(job => (job.Lease.Id.Value, job.Name, job.Timeout)).Should().Equal(("large", name, Seconds(7)), ("empty", name, TimeSpan.Zero));
        var (readHeaders, payload) = JobEnvelope.Read(jobs[0].Body);
        payload.ToArray().AsSpan().SequenceEqual(bytes).Should().BeTrue();
        readHeaders.Should().BeEquivalentTo(headers);
        JobEnvelope.Read(jobs[1].Body).Payload.Length.Should().Be(0);
        (await queue.StateAsync()).CheckInvariants();
    }

    /// <summary>Rule R2: the list comes first, so what a crash leaves is an id without a job, never a job in no list.</summary>
    [Theory, OnBothServers]
    public async Task Half_applied_enqueue_is_dropped_and_counted_and_a_retry_makes_the_job_once(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await queue.Database.ListRightPushAsync(queue.Keys.Waiting, "half");
        (await queue.EnqueueAsync("half")).Should().Be(ReplyCode.Accepted);
        await queue.Database.ListRightPushAsync(queue.Keys.Waiting, "never retried");
        var worker = queue.Worker("w");

        var reply = await worker.CallAsync(5);

        reply.Jobs.Select(job => job.Lease.Id.Value).Should().Equal("half");
        var state = await queue.StateAsync();
        state.Waiting.Should().BeEmpty();
        state.Active.Keys.Should().Equal("half");
        (state.Stat("dropped"), state.Stat("lost"), state.Stat("accepted")).Should().Be((1, 1, 1));
    }

    /// <summary>Rule R3: the doorbell is a hint, and must not make an enqueue fail after the push.</summary>
    [NeedsRedisServerFact("ACL SETUSER")]
    public async Task User_without_channel_rights_enqueues_fine()
    {
        var queue = await QueueAsync(ServerKind.RedisServer);
        var worker = queue.Worker("idle");
        await worker.ClaimAsync();
        foreach (var (user, rights) in new[] { ("nochannels", "resetchannels"), ("nopublish", "-publish") })
        {
            await queue.Database.ExecuteAsync("ACL", "SETUSER", user, "on", ">secret", "~*", "&*", "+@all", rights);
            var options = ConfigurationOptions.Parse(queue.Connection.Configuration);
            (options.User, options.Password) = (user, "secret");
            await using var connection = await ConnectionMultiplexer.ConnectAsync(options);

            var reply = await queue.StoreOn(connection).EnqueueAsync([TestQueue.Job(user)], queue.Now + 1000, default);

            reply.Codes.Should().Equal(ReplyCode.Accepted);
            reply.ServerTime.Should().Be(Start);
            (await worker.ClaimAsync()).Should().ContainSingle().Which.Lease.Id.Value.Should().Be(user);
        }

        (await queue.StateAsync()).CheckInvariants();
    }

    /// <summary>Rule R6: real times in microseconds have sixteen digits, which must not leave Lua as an exponent.</summary>
    [Theory, OnBothServers]
    public async Task Real_clock_gives_times_and_tokens_in_all_their_digits(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        var store = new RedisJobStore(new RawRedis(queue.Connection), queue.Keys, queue.Options, RedisScripts.Default);
        var before = await store.GetServerTimeAsync(default);

        var reply = await store.EnqueueAsync([TestQueue.Job("a")], before + 60_000, default);
        var job = (await store.WorkAsync("w", 0, new WorkCall(1, 1, true, []), default)).Jobs.Single();
        var extended = await store.ExtendAsync("w", [new Extension(job.Lease, true)], default);
        var settled = await store.WorkAsync("w", 0, new WorkCall(2, 0, false, [new Settlement(job, new Outcome.Completed(default), true)]), default);

        var after = await store.GetServerTimeAsync(default);
        reply.ServerTime.Should().BeInRange(before, after);
        job.EnqueuedAt.Should().BeInRange(before, after);
        job.Lease.Token.Should().BeInRange(before * 1000, (after + 1) * 1000);
        Encoding.UTF8.GetString(JobEnvelope.Read(job.Body).Payload.Span).Should().Be("\"a\"");
        extended.Should().Equal(ReplyCode.Accepted);
        settled.Settlements.Single().Code.Should().Be(ReplyCode.Accepted);
        (await queue.StateAsync()).CheckInvariants();
    }

    /// <summary>Rule R3: Lua cannot pass more than some thousands of arguments to one command.</summary>
    [Theory, OnBothServers]
    public async Task Nine_thousand_jobs_pass_through_every_script_in_one_call_each(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        var worker = queue.Worker("w");
        await EnqueueManyAsync(queue, 9000);

        var jobs = await worker.ClaimAsync(9000);
        var extended = queue.Store.Extend(queue.Database, worker.Session, [.. jobs.Select(job => new Extension(job.Lease, true))]);
        var settled = await worker.CallAsync(0, false, [.. jobs.Select(job => new Settlement(job, new Outcome.Completed(default), true))]);

        extended.Codes.Where(code => code == ReplyCode.Accepted).Should().HaveCount(9000);
        settled.Settlements.Where(reply => reply.Code == ReplyCode.Accepted).Should().HaveCount(9000);
        (await queue.Store.CountAsync(default)).Should().BeEquivalentTo(new { Waiting = 0, Active = 0, TotalAccepted = 9000, TotalCompleted = 9000 });
    }
}
