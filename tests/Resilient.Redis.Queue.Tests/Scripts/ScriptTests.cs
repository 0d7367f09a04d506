using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Scripts;

/// <summary>Both kinds of server, once a class; each test has a queue of its own at server time <see cref="Start"/>.</summary>
public abstract class ScriptTests(BothServers servers) : IClassFixture<BothServers>
{
    protected const long Start = 1_000_000;

    /// <summary>The default of the queue.</summary>
    protected static TimeSpan Lease => TimeSpan.FromSeconds(10);

    protected static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);

    protected BothServers Servers => servers;

    private protected async Task<TestQueue> QueueAsync(ServerKind kind, Action<JobQueueOptions>? configure = null) =>
        await TestQueue.AtAsync(Start, await servers.ConnectionAsync(kind), configure);

    /// <summary>Enqueues jobs named <c>job0</c> and up.</summary>
    private protected static async Task EnqueueManyAsync(TestQueue queue, int count, TimeSpan delay = default, int maxAttempts = 5) =>
        (await queue.EnqueueManyAsync([.. Enumerable.Range(0, count).Select(i => TestQueue.Job($"job{i}", delay, maxAttempts))]))
            .Should().HaveCount(count).And.OnlyContain(code => code == Storage.ReplyCode.Accepted);
}
