using Resilient.Redis.Queue.Tests.Integration;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Processes;

/// <summary>Worker processes that are killed and stopped from outside.</summary>
public sealed class WorkerProcessTests : IAsyncLifetime
{
    private static readonly TimeSpan s_lease = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(30);

    private TestServer _server = null!;

    public async Task InitializeAsync() => _server = await TestServer.StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task Killed_workers_jobs_run_elsewhere_within_a_lease_and_a_look()
    {
        await using var producer = await ProducerAsync();
        await using var doomed = ChildProcess.Start(typeof(Program).Assembly, "worker", _server.Endpoint);
        var (id, _) = await producer.Queue.EnqueueAsync(new DoJob("long"));
        await doomed.PrintsAsync($"started {id}", s_deadline);
        await using var survivor = ChildProcess.Start(typeof(Program).Assembly, "worker", _server.Endpoint);
        await producer.Queue.EnqueueAsync(new DoJob("short"));
        // The survivor has looked for a lease: queue time passes, and no grace of a fresh start is left.
        await Task.Delay(s_lease + TimeSpan.FromSeconds(1));

        await doomed.KillAsync();
        var took = System.Diagnostics.Stopwatch.StartNew();
        await survivor.PrintsAsync($"started {id}", s_deadline);

        took.Elapsed.Should().BeLessThan(s_lease + TimeSpan.FromSeconds(1.5)); // a lease, a look, and a busy machine
        (await producer.Queue.GetAsync(id))!.Attempt.Should().Be(1, "a lapse is no attempt");
    }

    [Fact]
    public async Task Terminated_worker_hands_its_jobs_back_at_once()
    {
        await using var producer = await ProducerAsync();
        await using var stopped = ChildProcess.Start(typeof(Program).Assembly, "worker", _server.Endpoint);
        var (id, _) = await producer.Queue.EnqueueAsync(new DoJob("long"));
        await stopped.PrintsAsync($"started {id}", s_deadline);

        await stopped.TerminateAsync();

        (await producer.Queue.GetAsync(id))!.Should().BeEquivalentTo(new { State = JobState.Waiting, Attempt = 0, Lapses = 0 });
    }

    private Task<QueueHost> ProducerAsync() => QueueHost.StartAsync(_server.Endpoint, options: o => o.Lease = s_lease);
}
