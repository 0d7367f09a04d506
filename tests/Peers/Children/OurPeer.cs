using Resilient.Redis.Benchmarks.Queue;

namespace Resilient.Redis.Peers.Children;

/// <summary>Our queue with all its defaults, but for the slots and a prefetch as large as serves.</summary>
internal sealed class OurPeer : IPeer
{
    private const int Prefetch = 1000;

    private readonly QueueUnderTest _queue;

    private OurPeer(QueueUnderTest queue) => _queue = queue;

    public Runs Runs => _queue.Runs;

    public static async Task<OurPeer> StartAsync(int port, int slots, Handler handler)
    {
        var server = new ParentsServer(port);
        return new OurPeer(slots == 0
            ? await QueueUnderTest.StartAsync(server)
            : await QueueUnderTest.StartAsync(server, worker => (worker.Concurrency, worker.Prefetch) = (slots, Prefetch), handler.RunAsync));
    }

    public async Task EnqueueAsync(int jobs)
    {
        for (var i = 0; i < jobs; i++)
            await _queue.Queue.EnqueueAsync(BenchJob.Instance);
    }

    public Task EnqueueFromAsync(IEnumerable<int> callers) => Task.WhenAll(callers.Select(jobs => Task.Run(() => EnqueueAsync(jobs))));

    public Task EnqueueManyAsync(int jobs) => _queue.FillAsync(jobs);

    public Task HoldAsync() => _queue.Admin.PauseAsync().AsTask();

    public Task ReleaseAsync() => _queue.Admin.ResumeAsync().AsTask();

    public Task SettledAsync() => _queue.SettledAsync();
}
