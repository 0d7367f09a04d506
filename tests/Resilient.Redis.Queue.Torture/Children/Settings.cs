using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Resilient.Redis.Queue.Torture.Children;

/// <summary>The two queues under torture, the same for all processes: producers fill the first, and some of its jobs have follow-ups in the second.</summary>
internal static class Settings
{
    public const string Queue = "torture";
    public const string Next = "torture-next";

    /// <summary>The shortest that the queue allows: more leases end in a minute.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(3);

    /// <summary>So that any machine can drain what producers have left, and that refusals happen.</summary>
    public const int MaxLength = 250;

    public const int MaxDeliveries = 5;

    public static int ConcurrencyOf(string queue) => queue == Queue ? 8 : 2;

    public static void Apply(JobQueueOptions options)
    {
        options.Lease = Lease;
        options.MaxAttempts = 3;
        options.MaxLength = MaxLength;
        options.MaxDeliveries = MaxDeliveries;
        options.ResultRetention = TimeSpan.FromDays(1); // the checker looks for every job in the end
        options.BackoffBase = TimeSpan.FromMilliseconds(50);
        options.BackoffMax = TimeSpan.FromSeconds(1);
    }

    public static (HostApplicationBuilder Builder, IReadOnlyList<IJobQueueBuilder> Queues) Build(string endpoint)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new() { Args = [] });
        var redis = builder.Services.AddResilientRedis(o => o.ConnectionString = endpoint);
        return (builder, [redis.AddQueue(Queue, Apply), redis.AddQueue(Next, Apply)]);
    }
}
