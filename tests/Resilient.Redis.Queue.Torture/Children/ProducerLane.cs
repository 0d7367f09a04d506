using Resilient.Redis.Queue.Torture.Recording;

namespace Resilient.Redis.Queue.Torture.Children;

/// <summary>Enqueues jobs alone, in batches and under unique keys, spoils some, and cancels and watches others, as its random numbers say.</summary>
internal sealed class ProducerLane(RecordingQueue queue, Random random, Task stopped)
{
    private const int LongestPauseMs = 160;
    private const int KeysUntilEnd = 4;
    private const int KeysForATime = 2;

    public async Task RunAsync()
    {
        while (!stopped.IsCompleted)
        {
            await (random.Next(100) switch
            {
                < 72 => EnqueueAsync(NewTry(Destiny.Any), TortureJob.Random(random)),
                < 76 => EnqueueBatchAsync(random.Next(2, 30)),
                < 88 => EnqueueUniqueAsync(),
                < 97 => EnqueueAndCancelAsync(),
                < 99 => EnqueueAsync(NewTry(Destiny.Unreadable), new UnreadableJob("not a number")),
                _ => EnqueueAsync(NewTry(Destiny.Unknown), new UnknownJob(1)),
            });
            await PauseAsync(random.Next(LongestPauseMs));
        }
    }

    /// <summary>Asks again with the same id after most failures, as its error tells a user to; and lets the queue drain where it is full.</summary>
    private async Task<bool> EnqueueAsync<TJob>(params (Tried Try, TJob Job, EnqueueOptions Options)[] jobs)
    {
        while (!stopped.IsCompleted)
        {
            var answer = await queue.EnqueueAsync(jobs);
            if (answer is Answer.Stored or Answer.Held)
                return answer == Answer.Stored;
            if (answer == Answer.Failed && random.Next(4) == 0)
                return false;
            await PauseAsync(answer == Answer.Full ? random.Next(500, 1500) : 200);
        }

        return false;
    }

    private Task<bool> EnqueueAsync<TJob>(Func<JobId, Tried> tried, TJob job, EnqueueOptions? options = null)
    {
        var id = JobId.New();
        var delay = random.Next(10) == 0 ? TimeSpan.FromMilliseconds(random.Next(1, 2000)) : (TimeSpan?)null;
        return EnqueueAsync((tried(id), job, (options ?? new()) with { Id = id, Delay = delay }));
    }

    private Task<bool> EnqueueBatchAsync(int count)
    {
        var batch = JobId.New().Value;
        return EnqueueAsync([.. Enumerable.Range(0, count).Select(_ =>
        {
            var id = JobId.New();
            return (NewTry(Destiny.Any, batch)(id), TortureJob.Random(random), new EnqueueOptions { Id = id });
        })]);
    }

    private Task<bool> EnqueueUniqueAsync()
    {
        var number = random.Next(KeysUntilEnd + KeysForATime);
        var uniqueForMs = number < KeysUntilEnd ? 0 : 1000 * (1 + number - KeysUntilEnd);
        return EnqueueAsync(
            id => new Tried(default, "", id.Value, Unique: $"key{number}", UniqueForMs: uniqueForMs),
            new TortureJob((JobKind)random.Next((int)JobKind.PutsOff), random.Next(1, 400)),
            new EnqueueOptions { UniqueKey = $"key{number}", UniqueFor = uniqueForMs > 0 ? TimeSpan.FromMilliseconds(uniqueForMs) : null });
    }

    /// <summary>Sometimes it waits still, mostly it runs, sometimes it has ended.</summary>
    private async Task<bool> EnqueueAndCancelAsync()
    {
        var id = JobId.New();
        var job = new TortureJob(random.Next(4) == 0 ? JobKind.Short : JobKind.Long, random.Next(500, 4000));
        if (!await EnqueueAsync((NewTry(Destiny.Any)(id), job, new EnqueueOptions { Id = id })))
            return false;
        for (var looks = random.Next(6); looks > 0; looks--)
        {
            await PauseAsync(random.Next(600));
            await queue.LookAsync(id);
        }

        if (random.Next(5) > 0)
            await queue.CancelAsync(id);
        return true;
    }

    private static Func<JobId, Tried> NewTry(Destiny kind, string? batch = null) => id => new Tried(default, "", id.Value, kind, batch);

    private async Task PauseAsync(int milliseconds) => await Task.WhenAny(stopped, Task.Delay(milliseconds));
}
