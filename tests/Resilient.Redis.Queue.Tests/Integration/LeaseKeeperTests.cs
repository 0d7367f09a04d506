using Microsoft.Extensions.Time.Testing;
using Resilient.Redis.Queue.Diagnostics;
using Resilient.Redis.Queue.Storage;
using Resilient.Redis.Queue.Worker;
using Resilient.Redis.TestKit;
using StackExchange.Redis;

namespace Resilient.Redis.Queue.Tests.Integration;

/// <summary>What a worker believes of its leases, tick by tick, under a clock that the test moves.</summary>
public sealed class LeaseKeeperTests(BothServers servers) : IClassFixture<BothServers>
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(5);

    private readonly FakeTimeProvider _clock = new();

    [Theory, OnBothServers]
    public async Task Leases_are_extended_each_fifth_of_a_lease_and_started_handlers_are_told(ServerKind kind)
    {
        await using var test = await TestKeeper.StartAsync(await servers.ConnectionAsync(kind), _clock);
        var job = await test.ClaimAsync("a");
        job.Start(test.Keeper.Now);
        var before = (await test.Queue.StateAsync()).Active["a"];

        _clock.Advance(TimeSpan.FromSeconds(1.9));
        test.Keeper.Tick();
        (await test.Queue.StateAsync()).Active["a"].Should().Be(before, "not yet due");

        await test.Queue.MoveToAsync(test.Queue.Now + 2000);
        _clock.Advance(TimeSpan.FromSeconds(0.2));
        test.Keeper.Tick();

        (await test.Queue.StateAsync()).Active["a"].Should().Be(before + 2000);
        job.SentAt.Should().Be(_clock.GetTimestamp());
        test.Pulse.Age.Should().Be(TimeSpan.Zero);
    }

    /// <summary>The server counts from some moment between sending and the answer; only the first is safe to count from.</summary>
    [Theory, OnBothServers]
    public async Task Lease_is_counted_from_before_the_call_was_sent_that_extended_it(ServerKind kind)
    {
        await using var test = await TestKeeper.StartAsync(await servers.ConnectionAsync(kind), _clock, wrap: line => new SlowLine(line, _clock));
        var job = await test.ClaimAsync("a");
        job.Start(test.Keeper.Now);
        _clock.Advance(TimeSpan.FromSeconds(2.1));
        var sent = _clock.GetTimestamp();

        test.Keeper.Tick();

        _clock.GetTimestamp().Should().BeGreaterThan(sent);
        job.SentAt.Should().Be(sent);
    }

    [Theory, OnBothServers]
    public async Task Lost_lease_fires_the_handlers_token_with_its_reason(ServerKind kind)
    {
        await using var test = await TestKeeper.StartAsync(await servers.ConnectionAsync(kind), _clock);
        var job = await test.ClaimAsync("a");
        await test.Queue.Database.KeyDeleteAsync(test.Queue.Keys.Leases);

        _clock.Advance(TimeSpan.FromSeconds(2));
        test.Keeper.Tick();

        job.IsLost.Should().BeTrue();
        await Eventually.TrueAsync(() => job.Token.IsCancellationRequested, s_soon);
    }

    [Theory, OnBothServers]
    public async Task After_a_jump_of_the_clock_nothing_is_started_before_redis_has_answered(ServerKind kind)
    {
        await using var test = await TestKeeper.StartAsync(await servers.ConnectionAsync(kind), _clock);
        var job = await test.ClaimAsync("a");
        test.Keeper.MayStart(job, test.Keeper.Now).Should().BeTrue();

        _clock.Advance(TimeSpan.FromHours(1)); // the machine slept
        test.Keeper.MayStart(job, test.Keeper.Now).Should().BeFalse();
        test.Keeper.Tick();

        test.Keeper.MayStart(job, test.Keeper.Now).Should().BeTrue("Redis has said that the lease is still ours");
    }

    [NeedsRedisServerFact("a server that is killed")]
    public async Task Lease_in_doubt_stops_only_handlers_that_asked_for_it_and_before_it_can_have_been_given_away()
    {
        await using var server = await RedisServer.StartAsync();
        await using var connection = await server.ConnectAsync();
        await using var patient = await TestKeeper.StartAsync(connection, _clock);
        await using var careful = await TestKeeper.StartAsync(connection, _clock, new JobWorkerOptions { StopInDoubt = true });
        var (goesOn, stops) = (await patient.ClaimAsync("a"), await careful.ClaimAsync("b"));
        goesOn.Start(patient.Keeper.Now);
        stops.Start(careful.Keeper.Now);
        await server.KillAsync();

        Advance(TimeSpan.FromSeconds(6.4));
        stops.StopReason.Should().Be(StopReason.None);
        Advance(TimeSpan.FromSeconds(0.2)); // the lease is 10 s; less what queue time may skip, less a margin

        stops.StopReason.Should().Be(StopReason.LeaseInDoubt);
        await Eventually.TrueAsync(() => stops.Token.IsCancellationRequested, s_soon);
        goesOn.StopReason.Should().Be(StopReason.None, "in doubt is not lost");

        void Advance(TimeSpan span)
        {
            _clock.Advance(span);
            patient.Keeper.Tick();
            careful.Keeper.Tick();
        }
    }

    [Theory, OnBothServers]
    public async Task Process_frozen_past_a_time_out_gives_its_handler_time_to_react(ServerKind kind)
    {
        await using var test = await TestKeeper.StartAsync(await servers.ConnectionAsync(kind), _clock, new() { JobTimeout = TimeSpan.FromSeconds(1) });
        var job = await test.ClaimAsync("a");
        var overran = 0;
        test.Keeper.Overran = _ => overran++;
        job.Start(test.Keeper.Now);

        _clock.Advance(TimeSpan.FromHours(1));
        test.Keeper.Tick();
        job.StopReason.Should().Be(StopReason.TimedOut);
        overran.Should().Be(0);

        _clock.Advance(TimeSpan.FromSeconds(11));
        test.Keeper.Tick();
        overran.Should().Be(1);
    }

    [Theory, OnBothServers]
    public async Task Lease_that_was_in_doubt_and_then_is_lost_is_known_as_lost(ServerKind kind)
    {
        await using var test = await TestKeeper.StartAsync(await servers.ConnectionAsync(kind), _clock, new() { StopInDoubt = true });
        var job = await test.ClaimAsync("a");
        job.Start(test.Keeper.Now);
        await test.Queue.Database.KeyDeleteAsync(test.Queue.Keys.Leases);

        _clock.Advance(TimeSpan.FromSeconds(7));
        test.Keeper.Tick();

        job.StopReason.Should().Be(StopReason.LeaseInDoubt, "the first reason stands");
        job.IsLost.Should().BeTrue();
    }

    [Theory, OnBothServers]
    public async Task Cancellation_callback_that_never_returns_holds_up_no_lease_and_no_other_cancellation(ServerKind kind)
    {
        await using var test = await TestKeeper.StartAsync(await servers.ConnectionAsync(kind), _clock);
        using var never = new ManualResetEventSlim();
        using var entered = new ManualResetEventSlim();
        var (stuck, other) = (await test.ClaimAsync("a"), await test.ClaimAsync("b"));
        await using var blocking = stuck.Token.Register(() =>
        {
            entered.Set();
            never.Wait();
        });
        await test.Queue.Database.KeyDeleteAsync(test.Queue.Keys.Leases);

        _clock.Advance(TimeSpan.FromSeconds(2));
        test.Keeper.Tick();
        await Eventually.TrueAsync(() => entered.IsSet, s_soon);
        _clock.Advance(TimeSpan.FromSeconds(2));
        test.Keeper.Tick();

        await Eventually.TrueAsync(() => other.Token.IsCancellationRequested, s_soon);
        test.Logs.Lines.Should().ContainSingle(line => line.EventId.Id == 213);
        never.Set();
    }

    /// <summary>Each call takes a second.</summary>
    private sealed class SlowLine(WorkerLine inner, FakeTimeProvider clock) : WorkerLine
    {
        public override ExtendReply Extend(string session, Extension[] extensions)
        {
            var reply = inner.Extend(session, extensions);
            clock.Advance(TimeSpan.FromSeconds(1));
            return reply;
        }

        public override Task HearAsync(string session, Action<string> heard) => inner.HearAsync(session, heard);

        public override ValueTask DisposeAsync() => inner.DisposeAsync();
    }

    private sealed class TestKeeper : IAsyncDisposable
    {
        private readonly Canceller _canceller;
        private readonly TestWorker _worker;
        private readonly QueueMeter _meter;
        private readonly TimeProvider _clock;
        private readonly TimeSpan? _timeout;

        private TestKeeper(TestQueue queue, TimeProvider clock, JobWorkerOptions options, Func<WorkerLine, WorkerLine> wrap)
        {
            var session = new WorkerSession();
            var logger = Logs.CreateLogger("test");
            Queue = queue;
            _clock = clock;
            _timeout = options.JobTimeout;
            _worker = queue.Worker(session.Id);
            _canceller = new Canceller(clock, logger);
            Pulse = new WorkerPulse(clock, queue.Options.Lease);
            _meter = new QueueMeter(null);
            Keeper = new LeaseKeeper(queue.Keys.Queue, wrap(new RedisWorkerLine(queue.Store, queue.Connection)), session, _canceller, Pulse,
                new QueueTelemetry(_meter, queue.Keys.Queue, _ => true, () => null, clock), queue.Options.Lease, options, clock, logger);
        }

        public CollectedLogs Logs { get; } = new();

        public TestQueue Queue { get; }

        public LeaseKeeper Keeper { get; }

        public WorkerPulse Pulse { get; }

        public static async Task<TestKeeper> StartAsync(
            IConnectionMultiplexer connection, TimeProvider clock, JobWorkerOptions? options = null, Func<WorkerLine, WorkerLine>? wrap = null) =>
            new(await TestQueue.AtAsync(1_000_000, connection), clock, options ?? new(), wrap ?? (line => line));

        public async Task<RunningJob> ClaimAsync(string id)
        {
            await Queue.EnqueueAsync(id);
            var claimed = (await _worker.ClaimAsync()).Single();
            var job = new RunningJob(claimed, "q", _timeout, new JobSerializer(null), 1000, _ => throw new NotSupportedException(), _clock, _clock.GetTimestamp());
            Keeper.Add([job]);
            return job;
        }

        public ValueTask DisposeAsync()
        {
            Keeper.Dispose();
            _canceller.Dispose();
            _meter.Dispose();
            return default;
        }
    }
}
