using Microsoft.Extensions.DependencyInjection;
using Resilient.Redis.Queue.Storage;
using Resilient.Redis.Queue.Tests.Integration;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Faults;

/// <summary>The connection breaks after every k-th byte of the request and of the reply of each script, under the calls that the library makes: its effect is there once.</summary>
/// <remarks>Enqueue: Promise3; claim and settle: <see cref="WorkerConnectionFaultTests"/>, Promise2 and Promise6.</remarks>
public sealed class CutScriptTests : IAsyncLifetime
{
    private const int RequestPlaces = 40;
    private const int ReplyPlaces = 15;
    private const int Places = 1 + RequestPlaces + ReplyPlaces; // and once without a cut, which tells how many bytes there are

    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(30);

    private TestServer _server = null!;
    private FaultProxy _proxy = null!;
    private QueueHost _beside = null!;
    private QueueHost _host = null!;

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _proxy = FaultProxy.Start(_server);
        _beside = await QueueHost.StartAsync(_server.Endpoint);
        _host = await QueueHost.StartAsync(_proxy.Endpoint, redis: o => o.Retry.BaseDelay = TimeSpan.FromMilliseconds(20));
    }

    public async Task DisposeAsync()
    {
        await _host.DisposeAsync();
        await _beside.DisposeAsync();
        await _proxy.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Cancel_of_a_waiting_job_cancels_it_once()
    {
        var ids = await EnqueueAsync(Places);

        var results = await CutEachAsync(place => _host.Queue.CancelAsync(ids[place], "no more need").AsTask());

        results.Should().OnlyContain(result => result == CancelResult.Cancelled || result == CancelResult.AlreadyEnded, "a repeat finds it ended");
        foreach (var id in ids)
            (await _beside.Queue.GetAsync(id))!.Should().BeEquivalentTo(new { State = JobState.Cancelled, Error = "no more need" });
        await CheckAsync(counts => counts.Should().BeEquivalentTo(new { TotalCancelled = Places, Waiting = 0 }));
    }

    [Fact]
    public async Task Requeue_of_a_dead_job_puts_it_in_line_once()
    {
        var ids = await DeadAsync();

        await CutEachAsync(place => _host.Admin.RequeueAsync(ids[place]).AsTask());

        await CheckAsync(counts => counts.Should().BeEquivalentTo(new { Waiting = Places, Dead = 0 }));
        (await StateAsync()).Stat("requeued").Should().Be(Places);
    }

    [Fact]
    public async Task Remove_of_a_dead_job_counts_it_once()
    {
        var ids = await DeadAsync();

        await CutEachAsync(place => _host.Admin.RemoveAsync(ids[place]).AsTask());

        await CheckAsync(counts => counts.Should().BeEquivalentTo(new { Dead = 0, TotalRemoved = Places, Waiting = 0 }));
    }

    [Fact]
    public async Task Pause_and_resume_have_their_effect()
    {
        await CutEachAsync(async place =>
        {
            if (place % 2 == 0)
                await _host.Admin.PauseAsync();
            else
                await _host.Admin.ResumeAsync();
            (await _beside.Admin.CountAsync()).IsPaused.Should().Be(place % 2 == 0);
            return place;
        });
    }

    [Fact]
    public async Task Extend_keeps_the_lease_and_tells_that_the_handler_was_started()
    {
        var ids = await EnqueueAsync(Places);
        var store = Store(_beside);
        var jobs = (await store.WorkAsync("me", 0, new WorkCall(1, Places, false, []), default)).Jobs;
        var cut = Store(_host);

        var codes = await CutEachAsync(async place => (await cut.ExtendAsync("me", [new Extension(jobs[place].Lease, Started: true, Progress: "")], default))[0]);

        codes.Should().OnlyContain(code => code == ReplyCode.Accepted);
        await CheckAsync(counts => counts.Active.Should().Be(ids.Count));
    }

    /// <summary>As workers call it: the same number until it is answered. A batch of failures, completions with follow-ups, and what is handed back.</summary>
    [Fact]
    public async Task Settle_settles_each_job_once_and_makes_each_follow_up_once()
    {
        await EnqueueAsync(4 * Places);
        var store = Store(_beside);
        var jobs = (await store.WorkAsync("me", 0, new WorkCall(1, 4 * Places, false, []), default)).Jobs;
        await _beside.Admin.PauseAsync(); // what is handed back stays in line
        var cut = Store(_host);

        var replies = await CutEachAsync(async place =>
        {
            var mine = jobs.AsSpan(4 * place, 4).ToArray();
            Outcome[] outcomes =
            [
                new Outcome.Completed(default, [new FollowUp(TestQueue.Job($"child{place}"), ""), new FollowUp(TestQueue.Job($"cousin{place}"), "abroad")]),
                new Outcome.Failed(TimeSpan.FromHours(1), "failed"),
                new Outcome.Dead("hopeless"),
                Outcome.Returned.Instance,
            ];
            var call = new WorkCall(2 + place, 0, false, [.. mine.Zip(outcomes, (job, outcome) => new Settlement(job, outcome, true))]);
            return await cut.WorkAsync("me", 0, call, default);
        });

        replies.Should().OnlyContain(reply => reply.Settlements.All(settled => settled.Code == ReplyCode.Accepted));
        await CheckAsync(counts => counts.Should().BeEquivalentTo(new { TotalAccepted = 5 * Places, TotalCompleted = Places, Scheduled = Places, Dead = Places, Waiting = 2 * Places, Active = 0 }));
        await using var raw = await _server.ConnectAsync();
        (await raw.GetDatabase().HashLengthAsync(new QueueKeys("rrq", "test").Outbox)).Should().Be(Places);
        foreach (var failed in (await StateAsync()).Jobs.Values.Where(job => job.State == JobState.Scheduled))
            failed.Attempt.Should().Be(1, "it failed once");
    }

    /// <summary>The next break comes when an extension has got through after the last one.</summary>
    [Fact]
    public async Task Lease_keeper_whose_connection_breaks_in_each_extension_loses_no_lease()
    {
        var script = new Script { Do = (_, _, token) => Task.Delay(Timeout.Infinite, token) };
        await using var worker = await StartWorkerAsync(_proxy.Endpoint, script);
        await EnqueueAsync(3);
        await Eventually.TrueAsync(() => script.Runs.Count == 3, s_deadline);
        await using var survivor = await StartWorkerAsync(_server.Endpoint, script);
        await using var raw = await _server.ConnectAsync();

        for (var place = 0; place < 12; place++)
        {
            if (place % 2 == 0)
                _proxy.CutAfterRequestBytes(place * 40);
            else
                _proxy.CutAfterReplyBytes(place * 10);
            var before = await DeadlineAsync();
            await Eventually.TrueAsync(async () => await DeadlineAsync() > before, s_deadline, () => worker.Logs.Text);
        }

        script.Runs.Should().HaveCount(3, "the survivor was given nothing");
        worker.Logs.Lines.Should().NotContain(line => line.EventId.Id == 201);

        async Task<double> DeadlineAsync() => (await raw.GetDatabase().SortedSetRangeByRankWithScoresAsync(new QueueKeys("rrq", "test").Active, 0, 0))[0].Score;
    }

    /// <summary>Runs it once without a cut, to learn how long it is, and then with a cut at each place.</summary>
    private async Task<List<T>> CutEachAsync<T>(Func<int, Task<T>> call)
    {
        await call(0); // the script is known to the server, so that requests are short
        var (request, reply) = (_proxy.RequestBytes, _proxy.ReplyBytes);
        var results = new List<T> { await call(0) };
        (request, reply) = (_proxy.RequestBytes - request, _proxy.ReplyBytes - reply);
        for (var place = 1; place < Places; place++)
        {
            if (place <= RequestPlaces)
                _proxy.CutAfterRequestBytes((place - 1) * (request + 40) / RequestPlaces);
            else
                _proxy.CutAfterReplyBytes((place - 1 - RequestPlaces) * (reply + 10) / ReplyPlaces);
            results.Add(await AgainUntilAnsweredAsync(() => call(place)));
        }

        return results;
    }

    /// <summary>Nearly always once: the library repeats what is safe to repeat. A reconnect that takes longer is its caller's.</summary>
    private static async Task<T> AgainUntilAnsweredAsync<T>(Func<Task<T>> call)
    {
        for (var round = 0; ; round++)
        {
            try
            {
                return await call();
            }
            catch (RedisUnavailableException) when (round < 5)
            {
                await Task.Delay(100);
            }
        }
    }

    private async Task<List<JobId>> EnqueueAsync(int count) =>
        [.. (await _beside.Queue.EnqueueManyAsync(Enumerable.Range(0, count).Select(i => new DoJob($"{i}")))).Select(result => result.Id)];

    private async Task<List<JobId>> DeadAsync()
    {
        var ids = await EnqueueAsync(Places);
        var store = Store(_beside);
        var jobs = (await store.WorkAsync("me", 0, new WorkCall(1, Places, false, []), default)).Jobs;
        await store.WorkAsync("me", 0, new WorkCall(2, 0, false, [.. jobs.Select(job => new Settlement(job, new Outcome.Dead("dead"), true))]), default);
        return ids;
    }

    private async Task CheckAsync(Action<QueueCounts> counts)
    {
        counts(await _beside.Admin.CountAsync());
        (await StateAsync()).CheckInvariants();
    }

    private async Task<QueueState> StateAsync()
    {
        await using var raw = await _server.ConnectAsync();
        var options = new JobQueueOptions();
        var keys = new QueueKeys(options.KeyPrefix, "test");
        return await QueueState.ReadAsync(raw.GetDatabase(), keys, new RedisJobStore(new RawRedis(raw), keys, options, RedisScripts.Default));
    }

    private static RedisJobStore Store(QueueHost host)
    {
        var options = new JobQueueOptions { Lease = TimeSpan.FromHours(1) }; // cuts take their time, and nobody extends
        return new RedisJobStore(host.Services.GetRequiredService<IResilientRedis>(), new QueueKeys(options.KeyPrefix, "test"), options, RedisScripts.Default);
    }

    private static Task<QueueHost> StartWorkerAsync(string endpoint, Script script) => QueueHost.StartAsync(
        endpoint,
        queue =>
        {
            queue.Services.AddSingleton(script);
            queue.AddHandler<DoJob, DoHandler>().AddWorker(o => o.Concurrency = 3);
        },
        o => o.Lease = TimeSpan.FromSeconds(5));
}
