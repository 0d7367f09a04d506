using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Resilient.Redis.Queue.Torture.Children;

/// <summary>The queue under torture, the same for all processes.</summary>
internal static class Settings
{
    public const string Queue = "torture";

    /// <summary>The shortest that the queue allows: more leases end in a minute.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(3);

    public const int Concurrency = 8;

    public static void Apply(JobQueueOptions options)
    {
        options.Lease = Lease;
        options.MaxAttempts = 3;
        options.ResultRetention = TimeSpan.FromDays(1); // the checker looks for every job in the end
        options.MaxDeliveries = 1000; // a job must not die of its workers' deaths here, which the schedule deals out at random
        options.BackoffBase = TimeSpan.FromMilliseconds(50);
        options.BackoffMax = TimeSpan.FromSeconds(1);
    }

    public static (IHostApplicationBuilder Builder, IJobQueueBuilder Queue) Build(string endpoint)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new() { Args = [] });
        return (builder, builder.Services.AddResilientRedis(o => o.ConnectionString = endpoint).AddQueue(Queue, Apply));
    }
}
