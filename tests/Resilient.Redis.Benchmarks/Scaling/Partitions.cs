using System.IO.Hashing;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Resilient.Redis.Queue;

namespace Resilient.Redis.Benchmarks.Scaling;

/// <summary>One hot queue as several: what an application writes that needs more than one primary gives. Jobs of one key keep one queue.</summary>
internal sealed class Partitions
{
    private readonly IJobQueue[] _queues;

    public Partitions(IServiceProvider services, string name, int count) =>
        _queues = [.. Names(name, count).Select(partition => services.GetRequiredKeyedService<IJobQueue>(partition))];

    /// <summary>Names that differ in a last digit of 0 to 3 lie in four different quarters of the slots, whatever stands before it: so is CRC16.</summary>
    public static IEnumerable<string> Names(string name, int count) => Enumerable.Range(0, count).Select(i => $"{name}-{i}");

    /// <summary>For jobs with a key that keeps them together: the same queue in every process and after every start, which string.GetHashCode is not.</summary>
    public IJobQueue Of(string key) => _queues[XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(key)) % (uint)_queues.Length];

    /// <summary>A call for each queue that gets some, all at once. Each is atomic for itself: when one fails, the others stand.</summary>
    public Task EnqueueManyAsync<TJob>(IEnumerable<(string Key, TJob Job)> jobs) =>
        Task.WhenAll(jobs.GroupBy(pair => Of(pair.Key), pair => pair.Job).Select(part => part.Key.EnqueueManyAsync(part.ToArray()).AsTask()));
}
