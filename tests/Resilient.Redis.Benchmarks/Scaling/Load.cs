using Microsoft.Extensions.DependencyInjection;
using Resilient.Redis.Benchmarks.Queue;
using Resilient.Redis.Queue;

namespace Resilient.Redis.Benchmarks.Scaling;

/// <summary>How the same number of jobs comes in and is worked off.</summary>
/// <param name="Key">Short and stable, for comparisons over time.</param>
/// <param name="Row">For people.</param>
/// <param name="Queues">Their names.</param>
/// <param name="ProduceAsync">All producers at once, until all jobs are in: a number of thousands.</param>
/// <param name="OneWorker">One worker with AlsoServing for all queues, which may claim nothing ahead, instead of a worker for each.</param>
/// <param name="BesideForgetting">Whether as many ended jobs are forgotten meanwhile, as in a system that has run for longer than it keeps them.</param>
internal sealed record Load(
    string Key, string Row, string[] Queues, Func<IServiceProvider, int, Task> ProduceAsync, bool OneWorker = false, bool BesideForgetting = false)
{
    private const int Many = 1000;
    private const int Producers = 4;
    private const int SingleProducers = 64;
    private const string Hot = "orders";
    private const int PartitionCount = 4;

    // More customers than a call has jobs, so that each call has jobs for all partitions, in uneven parts.
    private static readonly string[] s_customers = [.. Enumerable.Range(0, 10_000).Select(i => $"customer-{i}")];

    /// <param name="names">As many names as the largest load has queues, on the primaries in turns.</param>
    public static Load[] All(string[] names)
    {
        string[] partitions = [.. Partitions.Names(Hot, PartitionCount)];
        return
        [
            new("queues-1", "1 queue", names[..1], (services, jobs) => ManyAsync(services, names[..1], jobs)),
            new("queues-2", "2 queues", names[..2], (services, jobs) => ManyAsync(services, names[..2], jobs)),
            new("queues-4", "4 queues", names[..4], (services, jobs) => ManyAsync(services, names[..4], jobs)),
            new("partitions-4", $"the 1 queue's jobs over {PartitionCount} partitions, by key", partitions, ByKeyAsync),
            new("partitions-4-one-worker", "the same, one worker with AlsoServing", partitions, ByKeyAsync, OneWorker: true),
            new("queues-1-singly", $"1 queue, enqueued singly by {SingleProducers} callers", names[..1], (services, jobs) => SinglyAsync(services, names[0], jobs)),
            new("queues-1-forgetting", "1 queue, as many ended jobs forgotten meanwhile", names[..1], (services, jobs) => ManyAsync(services, names[..1], jobs), BesideForgetting: true),
        ];
    }

    /// <summary>As many producers whatever the number of queues; all queues at once.</summary>
    private static Task ManyAsync(IServiceProvider services, string[] names, int jobs)
    {
        var part = Enumerable.Repeat(BenchJob.Instance, Many).ToArray();
        IJobQueue[] queues = [.. names.Select(name => services.GetRequiredKeyedService<IJobQueue>(name))];
        return AtOnceAsync(Producers, async producer =>
        {
            for (var call = producer; call < jobs / Many; call += Producers)
                await queues[call % queues.Length].EnqueueManyAsync(part);
        });
    }

    private static Task ByKeyAsync(IServiceProvider services, int jobs)
    {
        var partitions = new Partitions(services, Hot, PartitionCount);
        return AtOnceAsync(Producers, async producer =>
        {
            for (var call = producer; call < jobs / Many; call += Producers)
                await partitions.EnqueueManyAsync(s_customers.Skip(call * Many % s_customers.Length).Take(Many).Select(customer => (customer, BenchJob.Instance)));
        });
    }

    private static Task SinglyAsync(IServiceProvider services, string name, int jobs)
    {
        var queue = services.GetRequiredKeyedService<IJobQueue>(name);
        var left = jobs;
        return AtOnceAsync(SingleProducers, async _ =>
        {
            while (Interlocked.Decrement(ref left) >= 0)
                await queue.EnqueueAsync(BenchJob.Instance);
        });
    }

    private static Task AtOnceAsync(int producers, Func<int, Task> produce) =>
        Task.WhenAll(Enumerable.Range(0, producers).Select(producer => Task.Run(() => produce(producer))));
}
