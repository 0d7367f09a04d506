using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Resilient.Redis.Queue.Options;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Integration;

/// <summary>What AddQueue, AddHandler, AddWorker and AddHealthCheck give, and what they refuse.</summary>
public sealed class RegistrationTests
{
    [Fact]
    public async Task One_queue_is_resolved_without_a_name_and_with_it()
    {
        await using var provider = Provider(redis => redis.AddQueue("shap"));

        provider.GetRequiredService<IJobQueue>().Name.Should().Be("shap");
        provider.GetRequiredKeyedService<IJobQueue>("shap").Should().BeSameAs(provider.GetRequiredService<IJobQueue>());
        provider.GetRequiredService<IJobQueueAdmin>().Name.Should().Be("shap");
    }

    [Fact]
    public async Task Two_queues_are_resolved_by_name_only()
    {
        await using var provider = Provider(redis =>
        {
            redis.AddQueue("shap");
            redis.AddQueue("mail");
        });

        provider.GetRequiredKeyedService<IJobQueue>("mail").Name.Should().Be("mail");
        provider.Invoking(p => p.GetRequiredService<IJobQueue>()).Should().Throw<InvalidOperationException>().WithMessage("*2 queues (shap, mail)*FromKeyedServices*");
    }

    [Fact]
    public void What_contradicts_itself_is_refused_at_registration()
    {
        var redis = new ServiceCollection().AddResilientRedis();
        var queue = redis.AddQueue("shap").AddHandler<DoJob, DoHandler>();

        redis.Invoking(r => r.AddQueue("shap")).Should().Throw<InvalidOperationException>().WithMessage("*'shap'*twice*");
        redis.Invoking(r => r.AddQueue("a{b}")).Should().Throw<ArgumentException>().WithMessage("*a{b}*");
        queue.Invoking(q => q.AddHandler<DoJob, DoHandler>()).Should().Throw<InvalidOperationException>().WithMessage("*Two handlers*'test.do'*");
        queue.Invoking(q => q.AddHandler<DoJob, DoHandler>("another")).Should().Throw<InvalidOperationException>().WithMessage("*'test.do'*'another'*");
    }

    [Fact]
    public async Task All_faults_of_the_options_are_told_at_once_before_anything_starts()
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddSingleton(new AggressiveMemoryVariable(name => name == "AGGRESSIVE_MEMORY_MANAGEMENT" ? "perhaps" : null));
        builder.Services.AddResilientRedis(o => o.ConnectionString = $"localhost:{Ports.Free()}")
            .AddQueue("shap", o => (o.Lease, o.MaxAttempts, o.KeyPrefix, o.MaxConcurrency, o.RateLimit, o.ReplicaAcks, o.ReplicaAckTimeout, o.ReadyAgeLimit) = (TimeSpan.FromSeconds(1), 0, "{x}", 0, new(0, TimeSpan.FromDays(2)), 17, TimeSpan.Zero, TimeSpan.Zero))
            .AddWorker(o => (o.Concurrency, o.IdlePoll, o.Name) = (0, TimeSpan.FromMilliseconds(50), new string('x', 65)));
        using var host = builder.Build();

        var text = (await Record.ExceptionAsync(() => host.StartAsync()))!.ToString();

        foreach (var fault in (string[])["Lease is 00:00:01", "MaxAttempts is 0", "MaxConcurrency is 0", "RateLimit: Starts is 0", "RateLimit: Period is 2.00:00:00", "ReplicaAcks is 17", "ReplicaAckTimeout is 00:00:00", "KeyPrefix is '{x}'", "ReadyAgeLimit is 00:00:00", "Concurrency is 0", "IdlePoll is 00:00:00.05", "Name has 65 characters", "AGGRESSIVE_MEMORY_MANAGEMENT is 'perhaps'"])
            text.Should().Contain(fault);
    }

    [Fact]
    public async Task Queues_that_a_worker_cannot_serve_are_named_at_start()
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        var redis = builder.Services.AddResilientRedis(o => o.ConnectionString = $"localhost:{Ports.Free()}");
        redis.AddQueue("a").AddWorker(o => (o.Prefetch, o.Weight) = (2, 0)).AlsoServing("nowhere").AlsoServing("b").AlsoServing("c", weight: 2);
        redis.AddQueue("b").AddWorker().AlsoServing("c");
        redis.AddQueue("c");
        using var host = builder.Build();

        var text = (await Record.ExceptionAsync(() => host.StartAsync()))!.ToString();

        foreach (var fault in (string[])["'nowhere', which is not registered", "'b', which has a worker of its own", "'c', which the worker of queue 'a' serves already", "Prefetch is 2", "Weight is 0"])
            text.Should().Contain(fault);
    }

    [Fact]
    public void Serving_what_cannot_be_served_is_refused_at_registration()
    {
        var queue = new ServiceCollection().AddResilientRedis().AddQueue("a");

        queue.Invoking(q => q.AlsoServing("b")).Should().Throw<InvalidOperationException>().WithMessage("*'a' has no worker*AddWorker*");
        queue.AddWorker().AlsoServing("b");
        queue.Invoking(q => q.AlsoServing("b", weight: 2)).Should().Throw<InvalidOperationException>().WithMessage("*serves 'b' already*");
        queue.Invoking(q => q.AlsoServing("a")).Should().Throw<InvalidOperationException>().WithMessage("*serves 'a' already*");
        queue.Invoking(q => q.AlsoServing("c", weight: -1)).Should().Throw<ArgumentOutOfRangeException>();
        queue.Invoking(q => q.AlsoServing("c", weight: 1001)).Should().Throw<ArgumentOutOfRangeException>();
    }

    [Theory]
    [InlineData("true", true), InlineData("1", true), InlineData(" TRUE ", true), InlineData("false", false), InlineData("0", false), InlineData(null, false), InlineData("", false)]
    public void Memory_variable_is_read_as_the_python_service_wrote_it(string? text, bool expected)
    {
        var variable = new AggressiveMemoryVariable(_ => text);

        variable.Fault.Should().BeNull();
        variable.Value.Should().Be(expected);
    }

    [Fact]
    public async Task Health_is_the_workers_own_contact_with_redis()
    {
        await using var server = await TestServer.StartAsync("--appendonly", "yes");
        await using var host = await QueueHost.StartAsync(server.Endpoint, queue =>
        {
            queue.Services.AddSingleton(new Script());
            queue.AddHandler<DoJob, DoHandler>().AddWorker().AddHealthCheck(tags: ["live"]);
        }, o => o.Lease = TimeSpan.FromSeconds(3));
        var health = host.Services.GetRequiredService<HealthCheckService>();

        await Eventually.TrueAsync(async () => (await health.CheckHealthAsync()).Status == HealthStatus.Healthy, TimeSpan.FromSeconds(10));
        await server.KillAsync();

        await Eventually.TrueAsync(async () => (await health.CheckHealthAsync()).Status == HealthStatus.Unhealthy, TimeSpan.FromSeconds(10));
        var entry = (await health.CheckHealthAsync()).Entries["queue:test"];
        entry.Tags.Should().Equal("live");
        entry.Description.Should().Contain("not been in contact for");
        await server.RestartAsync();
        await Eventually.TrueAsync(async () => (await health.CheckHealthAsync()).Status == HealthStatus.Healthy, TimeSpan.FromSeconds(10));
    }

    private static ServiceProvider Provider(Action<IResilientRedisBuilder> configure)
    {
        var services = new ServiceCollection();
        configure(services.AddResilientRedis(o => o.ConnectionString = $"localhost:{Ports.Free()}"));
        return services.BuildServiceProvider();
    }
}
