using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Resilient.Redis.Queue.Storage;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Integration;

/// <summary>The two lanes of a worker: many jobs that end while a call is under way are settled by a call beside it.</summary>
public sealed class LanesTests(BothServers servers) : QueueTestBase(servers)
{
    private const int Main = 0;
    private const int Beside = 1;
    private const int Jobs = 12;

    [Theory, OnBothServers]
    public async Task Jobs_that_end_while_a_call_is_under_way_are_settled_beside_it(ServerKind kind)
    {
        var calls = new HeldCalls { Hold = call => call.Lane == Main && call.Settlements > 0 };
        await using var producer = await StartProducerAsync(kind, o => o.Lease = TimeSpan.FromSeconds(30));
        var ids = await EnqueueAsync(producer);
        await using var worker = await StartWorkerAsync(kind, calls);

        // The main call has one settlement at least, and is not sent until it is released.
        await Eventually.TrueAsync(async () => (await producer.Admin.CountAsync()).TotalCompleted is > 1 and < Jobs && calls.Held == 1, Soon);
        calls.Release();

        foreach (var id in ids)
            await StateAsync(producer, id, JobState.Completed);
        Script.Runs.Select(run => run.Id).Should().BeEquivalentTo(ids, "each has run once");
        calls.Seen.Where(call => call.Lane == Beside).Should().NotBeEmpty().And.OnlyContain(call => call.Settlements >= 2 && !call.RoomForOneAlone);
        calls.Seen.Sum(call => call.Settlements).Should().Be(Jobs);
    }

    [Theory, OnBothServers]
    public async Task Worker_that_stops_waits_for_the_call_beside(ServerKind kind)
    {
        var calls = new HeldCalls { Hold = call => call.Settlements > 0 };
        await using var producer = await StartProducerAsync(kind, o => o.Lease = TimeSpan.FromSeconds(30));
        var ids = await EnqueueAsync(producer);
        await using var worker = await StartWorkerAsync(kind, calls);
        await Eventually.TrueAsync(() => calls.Held == 2, Soon);

        var stopping = worker.StopAsync();
        calls.ReleaseOne(Main);
        await Eventually.TrueAsync(() => calls.Held == 1, Soon);
        stopping.IsCompleted.Should().BeFalse("the jobs of the other call are not settled yet");
        calls.Release();
        await stopping;

        foreach (var id in ids)
            (await producer.Queue.GetAsync(id))!.State.Should().BeOneOf(JobState.Completed, JobState.Waiting);
        (await producer.Admin.CountAsync()).Active.Should().Be(0);
        (await producer.Admin.CountAsync()).TotalCompleted.Should().Be(Script.Runs.Count);
    }

    [Theory, OnBothServers]
    public async Task Worker_of_one_slot_starts_jobs_in_their_order_and_makes_no_call_beside(ServerKind kind)
    {
        var calls = new HeldCalls();
        await using var producer = await StartProducerAsync(kind, o => o.Lease = TimeSpan.FromSeconds(30));
        var ids = await EnqueueAsync(producer);
        await using var worker = await StartWorkerAsync(kind, calls, concurrency: 1);

        foreach (var id in ids)
            await StateAsync(producer, id, JobState.Completed);
        Script.Runs.Select(run => run.Id).Should().Equal(ids);
        calls.Seen.Should().OnlyContain(call => call.Lane == Main);
    }

    [Theory, OnBothServers]
    public async Task Call_beside_that_cannot_go_on_ends_the_session_and_the_worker_goes_on_under_a_new_one(ServerKind kind)
    {
        var calls = new HeldCalls { Hold = call => call.Lane == Main && call.Settlements > 0, Fails = call => call.Lane == Beside };
        await using var producer = await StartProducerAsync(kind, o => o.Lease = TimeSpan.FromSeconds(3));
        var ids = await EnqueueAsync(producer);
        await using var worker = await StartWorkerAsync(kind, calls, lease: TimeSpan.FromSeconds(3));
        await Eventually.TrueAsync(() => calls.Failed == 1, Soon);

        calls.Fails = _ => false;
        await Eventually.TrueAsync(() => calls.Held == 0, Soon); // given up with the session
        calls.Release();

        foreach (var id in ids)
            await StateAsync(producer, id, JobState.Completed);
        calls.Seen.Select(call => call.Session).Distinct().Should().HaveCount(2);
        worker.Logs.Lines.Should().ContainSingle(line => line.EventId.Id == 215);
    }

    private static async Task<IReadOnlyList<JobId>> EnqueueAsync(QueueHost producer) =>
        [.. (await producer.Queue.EnqueueManyAsync(Enumerable.Range(0, Jobs).Select(i => new DoJob($"job {i}")))).Select(enqueued => enqueued.Id)];

    /// <summary>Where calls are held, the first job ends by itself, and the others once the call that settles it is under way.</summary>
    private Task<QueueHost> StartWorkerAsync(ServerKind kind, HeldCalls calls, int concurrency = 2, TimeSpan? lease = null)
    {
        if (calls.Hold is not null)
            Script.Do = (job, _, token) => job.What == "job 0" ? Task.CompletedTask : calls.HasHeld.WaitAsync(token);
        return StartWorkerAsync(kind, calls, concurrency, lease ?? TimeSpan.FromSeconds(30));
    }

    private Task<QueueHost> StartWorkerAsync(ServerKind kind, HeldCalls calls, int concurrency, TimeSpan lease) => StartWithAsync(
        kind,
        queue =>
        {
            TestStores.Add(queue.Services, queue.Name, (redis, keys, options, connections) => new HeldStore(redis, keys, options, connections, calls));
            queue.AddHandler<DoJob, DoHandler>().AddWorker(o => (o.Concurrency, o.Prefetch, o.CallBesideFrom) = (concurrency, 2 * Jobs, 2));
        },
        o => o.Lease = lease);

    private sealed record Call(string Session, int Lane, int Settlements, bool RoomForOneAlone);

    /// <summary>The calls of a worker, some of which are not sent until the test says so.</summary>
    private sealed class HeldCalls
    {
        private readonly ConcurrentDictionary<int, TaskCompletionSource> _held = [];
        private readonly TaskCompletionSource _hasHeld = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private volatile bool _released;
        private int _failed;

        public Func<Call, bool>? Hold { get; init; }

        public Task HasHeld => _hasHeld.Task;

        public Func<Call, bool> Fails { get; set; } = _ => false;

        public ConcurrentQueue<Call> Seen { get; } = [];

        public int Held => _held.Count;

        public int Failed => Volatile.Read(ref _failed);

        public async Task BeforeAsync(Call call, CancellationToken cancellationToken)
        {
            if (Fails(call))
            {
                Interlocked.Increment(ref _failed);
                throw new InvalidOperationException("the call beside fails");
            }

            if (_released || Hold?.Invoke(call) != true)
                return;
            var held = _held[call.Lane] = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _hasHeld.TrySetResult();
            try
            {
                await held.Task.WaitAsync(cancellationToken);
            }
            finally
            {
                _held.TryRemove(call.Lane, out _);
            }
        }

        public void ReleaseOne(int lane)
        {
            _released = true;
            _held[lane].SetResult();
        }

        public void Release()
        {
            _released = true;
            foreach (var (_, held) in _held)
                held.TrySetResult();
        }
    }

    private sealed class HeldStore(IResilientRedis redis, QueueKeys keys, JobQueueOptions options, IRedisConnectionFactory connections, HeldCalls calls)
        : RedisJobStore(redis, keys, options, RedisScripts.Default, connections)
    {
        public override async ValueTask<WorkReply> WorkAsync(string session, int lane, WorkCall call, CancellationToken cancellationToken)
        {
            var seen = new Call(session, lane, call.Settlements.Count, call.RoomForOneAlone);
            await calls.BeforeAsync(seen, cancellationToken);
            var reply = await base.WorkAsync(session, lane, call, cancellationToken);
            calls.Seen.Enqueue(seen);
            return reply;
        }
    }
}
