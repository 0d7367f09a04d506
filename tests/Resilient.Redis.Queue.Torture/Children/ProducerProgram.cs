using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Resilient.Redis.Queue.Torture.Recording;

namespace Resilient.Redis.Queue.Torture.Children;

/// <summary>A producer process: enqueues jobs, and asks again with the same id after most failures, as its error tells a user to.</summary>
internal static class ProducerProgram
{
    private const int Lanes = 4;
    private const int LongestPauseMs = 160;

    public static async Task<int> RunAsync(string name, string endpoint, string folder, int seed)
    {
        using var journal = new Journal(Path.Combine(folder, $"{name}.jsonl"), name);
        var orders = new Orders(order => throw new InvalidOperationException($"A producer knows no order '{order}'."));
        var (builder, _) = Settings.Build(endpoint);
        using var host = ((HostApplicationBuilder)builder).Build();
        await host.StartAsync();
        var queue = host.Services.GetRequiredService<IJobQueue>();
        await Task.WhenAll(Enumerable.Range(0, Lanes).Select(lane => ProduceAsync(queue, journal, new Random(seed * Lanes + lane), orders.Stopped)));
        await host.StopAsync();
        return 0;
    }

    private static async Task ProduceAsync(IJobQueue queue, Journal journal, Random random, Task stopped)
    {
        while (!stopped.IsCompleted)
        {
            var (id, job) = (JobId.New(), TortureJob.Random(random));
            var options = new EnqueueOptions { Id = id, Delay = random.Next(10) == 0 ? TimeSpan.FromMilliseconds(random.Next(2000)) : null };
            while (!await IsStoredAsync(queue, journal, job, options) && !stopped.IsCompleted && random.Next(4) > 0)
                await PauseAsync(200, stopped);
            await PauseAsync(random.Next(LongestPauseMs), stopped);
        }
    }

    /// <summary>One enqueue, and what it said.</summary>
    public static async Task<bool> IsStoredAsync(IJobQueue queue, Journal journal, TortureJob job, EnqueueOptions options)
    {
        var id = options.Id!.Value.Value;
        journal.Write((at, who) => new Tried(at, who, id));
        try
        {
            var (_, created) = await queue.EnqueueAsync(job, options);
            journal.Write((at, who) => new Acknowledged(at, who, id, created));
            return true;
        }
        catch (RedisUnavailableException error)
        {
            journal.Write((at, who) => error.MayHaveExecuted ? new Unconfirmed(at, who, id) : new NotStored(at, who, id));
        }
        catch (RedisRefusedException error)
        {
            // The refusal of a second attempt says nothing of the first, and the text tells so.
            journal.Write((at, who) => error.InnerException is RedisUnavailableException { MayHaveExecuted: true } ? new Unconfirmed(at, who, id) : new NotStored(at, who, id));
        }

        return false;
    }

    private static async Task PauseAsync(int milliseconds, Task stopped) => await Task.WhenAny(stopped, Task.Delay(milliseconds));
}
