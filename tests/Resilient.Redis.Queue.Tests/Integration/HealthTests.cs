using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Time.Testing;
using Resilient.Redis.Queue.Storage;
using Resilient.Redis.Queue.Tests.Scripts;
using Resilient.Redis.Queue.Worker;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Integration;

/// <summary>Live by the worker's contact, ready by the age of the oldest job and the number of the dead: under clocks that the test moves.</summary>
public sealed class HealthTests(BothServers servers) : ScriptTests(servers)
{
    private readonly FakeTimeProvider _time = new();

    [Theory, OnBothServers]
    public async Task Job_that_has_been_ready_for_long_degrades_a_live_worker_until_it_is_claimed(ServerKind kind)
    {
        var (queue, check, sampler) = await CheckAsync(kind, TimeSpan.FromMinutes(1));
        await queue.EnqueueAsync("a");

        await queue.MoveToAsync(Start + 59_000);
        await sampler.SampleAsync(default);
        (await StatusAsync(check)).Status.Should().Be(HealthStatus.Healthy);

        await queue.MoveToAsync(Start + 60_000);
        await sampler.SampleAsync(default);
        var late = await StatusAsync(check);
        late.Status.Should().Be(HealthStatus.Degraded);
        late.Description.Should().Contain("waited for 60 s").And.Contain("ReadyAgeLimit");
        late.Data["oldest_ready_ms"].Should().Be(60_000.0);
        late.Data["waiting"].Should().Be(1L);

        await queue.Worker("w").ClaimAsync();
        await sampler.SampleAsync(default);
        (await StatusAsync(check)).Status.Should().Be(HealthStatus.Healthy);
    }

    [Theory, OnBothServers]
    public async Task Paused_queue_and_one_without_a_limit_may_have_old_jobs(ServerKind kind)
    {
        var (queue, check, sampler) = await CheckAsync(kind, TimeSpan.FromMinutes(1));
        await queue.EnqueueAsync("a");
        await queue.Store.PauseAsync(true, default);
        await queue.MoveToAsync(Start + 3_600_000);
        await sampler.SampleAsync(default);
        (await StatusAsync(check)).Status.Should().Be(HealthStatus.Healthy);
        (await StatusAsync(check)).Data["paused"].Should().Be(true);

        await queue.Store.PauseAsync(false, default);
        await sampler.SampleAsync(default);
        (await StatusAsync(check)).Status.Should().Be(HealthStatus.Degraded);
        (await StatusAsync(Check(queue, sampler, limit: null))).Status.Should().Be(HealthStatus.Healthy);
    }

    [Theory, OnBothServers]
    public async Task Dead_that_grow_degrade_for_five_minutes(ServerKind kind)
    {
        var (queue, check, sampler) = await CheckAsync(kind, null);
        await queue.EnqueueAsync("a");
        var worker = queue.Worker("w");
        await sampler.SampleAsync(default);

        await worker.SettleAsync((await worker.ClaimAsync()).Single(), new Outcome.Dead("hopeless"));
        await sampler.SampleAsync(default);
        var grown = await StatusAsync(check);
        grown.Status.Should().Be(HealthStatus.Degraded);
        grown.Description.Should().Contain("more jobs are dead than 5 minutes ago");

        _time.Advance(TimeSpan.FromMinutes(5));
        (await StatusAsync(Check(queue, sampler, null))).Status.Should().Be(HealthStatus.Healthy);
    }

    [Theory, OnBothServers]
    public async Task Worker_out_of_contact_is_unhealthy_whatever_the_last_sample_says_and_tells_how_old_that_is(ServerKind kind)
    {
        var (_, check, sampler) = await CheckAsync(kind, null);
        await sampler.SampleAsync(default);

        _time.Advance(Seconds(11));

        var status = await StatusAsync(check);
        status.Status.Should().Be(HealthStatus.Unhealthy);
        status.Data["sample_age_ms"].Should().Be(11_000.0);
    }

    private async Task<(TestQueue Queue, JobQueueHealthCheck Check, QueueSampler Sampler)> CheckAsync(ServerKind kind, TimeSpan? limit)
    {
        var queue = await QueueAsync(kind);
        var sampler = new QueueSampler(queue.Store, _time);
        return (queue, Check(queue, sampler, limit), sampler);
    }

    /// <summary>Of a worker that was in contact a moment ago.</summary>
    private JobQueueHealthCheck Check(TestQueue queue, QueueSampler sampler, TimeSpan? limit)
    {
        var pulse = new WorkerPulse(_time, queue.Options.Lease);
        pulse.Beat();
        return new JobQueueHealthCheck("q", hasWorker: true, pulse, sampler, new DangerWatch(_time), limit);
    }

    private static Task<HealthCheckResult> StatusAsync(JobQueueHealthCheck check) => check.CheckHealthAsync(new()
    {
        Registration = new HealthCheckRegistration("queue:q", check, HealthStatus.Unhealthy, tags: null),
    });
}
