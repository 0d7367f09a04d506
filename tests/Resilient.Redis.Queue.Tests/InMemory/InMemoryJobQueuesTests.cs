using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Time.Testing;
using Resilient.Redis.Queue.Testing;
using Resilient.Redis.Queue.Tests.Integration;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.InMemory;

/// <summary>The test kit as its users meet it. That its queues keep the protocol is for <see cref="Model.ModelTests"/> and for all that is marked <see cref="OnBothServersAndInMemoryAttribute"/>.</summary>
public sealed class InMemoryJobQueuesTests
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(15);

    private readonly Script _script = new();

    [Fact]
    public async Task What_was_enqueued_is_seen_without_a_worker()
    {
        await using var provider = Services(queue => queue.AddHandler<DoJob, DoHandler>()).BuildServiceProvider();
        var queue = provider.GetRequiredService<IJobQueue>();

        await queue.EnqueueAsync(new DoJob("a"), new() { Delay = TimeSpan.FromMinutes(5), UniqueKey = "k", Headers = new Dictionary<string, string> { ["tenant"] = "x" } });
        await queue.EnqueueAsync(new DoJob("b"), new() { UniqueKey = "k" });
        await queue.EnqueueAsync(new DoJob("c"));

        var queues = provider.GetRequiredService<InMemoryJobQueues>();
        queues.Enqueued<DoJob>().Select(job => job.Job.What).Should().Equal(["a", "c"], "b was refused for its key");
        queues.Enqueued<DoJob>()[0].Should().BeEquivalentTo(new { Queue = "test", Delay = TimeSpan.FromMinutes(5), UniqueKey = "k", Headers = new Dictionary<string, string> { ["tenant"] = "x" } });
        queues.Enqueued<DoJob>("another").Should().BeEmpty();
        queues.Enqueued<string>().Should().BeEmpty();
    }

    [Fact]
    public async Task Idle_means_that_follow_ups_have_run_too_here_and_in_another_queue()
    {
        using var host = Host(services => services.AddResilientRedis("elsewhere").AddQueue("other").AddHandler<DoJob, DoHandler>().AddWorker());
        _script.Do = async (job, context, _) =>
        {
            if (job.What == "parent")
            {
                await Task.Yield();
                context.EnqueueOnCompletion(new DoJob("child"));
                context.EnqueueOnCompletion(new DoJob("abroad"), queue: "other");
            }
        };
        await host.StartAsync();

        await host.Services.GetRequiredKeyedService<IJobQueue>("test").EnqueueAsync(new DoJob("parent"));
        await host.Services.GetRequiredService<InMemoryJobQueues>().WaitUntilIdleAsync();

        _script.Runs.Select(run => run.What).Should().BeEquivalentTo(["parent", "child", "abroad"]);
        (await host.Services.GetRequiredKeyedService<IJobQueueAdmin>("other").CountAsync()).TotalCompleted.Should().Be(1);
        await host.StopAsync();
    }

    [Fact]
    public async Task Test_decides_when_a_delay_and_a_pause_before_a_retry_are_over()
    {
        var time = new FakeTimeProvider();
        using var host = Host(services => services.AddSingleton<TimeProvider>(time));
        _script.Do = (_, context, _) => context.Attempt == 1 ? throw new InvalidOperationException("once") : Task.CompletedTask;
        await host.StartAsync();
        var (queue, queues) = (host.Services.GetRequiredService<IJobQueue>(), host.Services.GetRequiredService<InMemoryJobQueues>());

        var (id, _) = await queue.EnqueueAsync(new DoJob("x"), new() { Delay = TimeSpan.FromDays(1) });
        await queues.WaitUntilIdleAsync();
        (await queue.GetAsync(id))!.Should().BeEquivalentTo(new { State = JobState.Scheduled, DueAt = time.GetUtcNow().AddDays(1) });

        time.Advance(TimeSpan.FromDays(1));
        await queues.WaitUntilIdleAsync();
        (await queue.GetAsync(id))!.Should().BeEquivalentTo(new { State = JobState.Scheduled, Attempt = 1 });

        time.Advance(TimeSpan.FromHours(1));
        await queues.WaitUntilIdleAsync();
        (await queue.GetAsync(id))!.Should().BeEquivalentTo(new { State = JobState.Completed, Attempt = 2 });
        await host.StopAsync();
    }

    [Fact]
    public async Task Redis_is_never_contacted()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var host = Host(_ => { }, $"127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}");
        await host.StartAsync();

        await host.Services.GetRequiredService<IJobQueue>().EnqueueAsync(new DoJob("x"));
        await host.Services.GetRequiredService<InMemoryJobQueues>().WaitUntilIdleAsync();
        var health = await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync();
        await host.StopAsync();

        health.Status.Should().Be(HealthStatus.Healthy);
        _script.Runs.Should().ContainSingle();
        listener.Pending().Should().BeFalse("nobody has knocked");
    }

    [Fact]
    public async Task Hosts_that_share_the_queues_share_their_jobs()
    {
        var queues = new InMemoryJobQueues();
        await using var producer = Services(_ => { }, queues).BuildServiceProvider();
        using var host = Host(_ => { }, queues: queues);
        await host.StartAsync();

        var (id, _) = await producer.GetRequiredService<IJobQueue>().EnqueueAsync(new DoJob("x"));

        await producer.GetRequiredService<IJobQueue>().WaitForResultAsync<string>(id, s_soon);
        await host.StopAsync();
    }

    [Fact]
    public async Task Wait_that_is_too_long_tells_what_is_still_there()
    {
        await using var provider = Services(_ => { }).BuildServiceProvider();
        await provider.GetRequiredService<IJobQueue>().EnqueueAsync(new DoJob("x"));

        var wait = () => provider.GetRequiredService<InMemoryJobQueues>().WaitUntilIdleAsync(TimeSpan.FromMilliseconds(100));

        (await wait.Should().ThrowAsync<TimeoutException>()).WithMessage("*queue 'test' has 1 jobs waiting*worker*");
    }

    private IServiceCollection Services(Action<IJobQueueBuilder> configure, InMemoryJobQueues? queues = null)
    {
        var services = new ServiceCollection().AddSingleton(_script);
        configure(services.AddResilientRedis(o => o.ConnectionString = $"127.0.0.1:{Ports.Free()}").AddQueue("test"));
        return services.UseInMemoryJobQueues(queues);
    }

    private IHost Host(Action<IServiceCollection> configure, string? endpoint = null, InMemoryJobQueues? queues = null)
    {
        var builder = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(new() { Args = [] });
        builder.Services.AddSingleton(_script);
        builder.Services.AddResilientRedis(o => o.ConnectionString = endpoint ?? $"127.0.0.1:{Ports.Free()}")
            .AddQueue("test").AddHandler<DoJob, DoHandler>().AddWorker().AddHealthCheck();
        configure(builder.Services);
        builder.Services.UseInMemoryJobQueues(queues);
        return builder.Build();
    }
}
