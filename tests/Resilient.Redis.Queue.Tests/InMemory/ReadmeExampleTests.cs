using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Resilient.Redis.Queue.Testing;

namespace Resilient.Redis.Queue.Tests.InMemory;

/// <summary>The README's example of a test.</summary>
public sealed class ReadmeExampleTests
{
    [Fact]
    public async Task Example_passes()
    {
        #region readme
        var builder = Host.CreateApplicationBuilder();
        builder.Services.AddResilientRedis().AddQueue("greetings").AddHandler<Greet, Greeter>().AddWorker();
        builder.Services.UseInMemoryJobQueues();        // after the application's own registrations
        using var host = builder.Build();
        await host.StartAsync();

        var (id, _) = await host.Services.GetRequiredService<IJobQueue>().EnqueueAsync(new Greet("Ada"));
        var queues = host.Services.GetRequiredService<InMemoryJobQueues>();
        await queues.WaitUntilIdleAsync();

        Assert.Equal("Ada", queues.Enqueued<Greet>().Single().Job.Name);
        var job = await host.Services.GetRequiredService<IJobQueue>().GetAsync(id);
        Assert.Equal("Hello, Ada!", job!.GetResult<string>());
        #endregion
        await host.StopAsync();
    }

    internal sealed record Greet(string Name);

    internal sealed class Greeter : IJobHandler<Greet>
    {
        public Task HandleAsync(Greet job, JobContext context, CancellationToken cancellationToken)
        {
            context.SetResult($"Hello, {job.Name}!");
            return Task.CompletedTask;
        }
    }
}
