using Resilient.Redis.Queue.Producing;

namespace Resilient.Redis.Queue.Worker;

/// <summary>Where follow-ups may go: the queues that are registered in this process.</summary>
/// <param name="writers">A queue's writer by its name; null where it is not registered.</param>
/// <param name="queues">A queue without retries by its name; null where it is not registered.</param>
internal sealed class FollowUpTargets(Func<string, JobWriter?> writers, Func<string, RedisJobQueue?> queues)
{
    /// <exception cref="ArgumentException">The queue is not registered.</exception>
    public JobWriter WriterOf(string queue) =>
        writers(queue) ?? throw new ArgumentException($"Queue '{queue}' is not registered in this process: add it with AddQueue, with the options that its workers use.", nameof(queue));

    public RedisJobQueue? QueueOf(string queue) => queues(queue);
}
