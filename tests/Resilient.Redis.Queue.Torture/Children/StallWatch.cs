using Resilient.Redis.Queue.Torture.Recording;

namespace Resilient.Redis.Queue.Torture.Children;

/// <summary>Writes down when the machine gave this process so little time that a lease may be lost: the queue cannot promise anything then.</summary>
/// <remarks>A thread that only wants to beat stands for those of the lease keeper and of the connection: each of their steps waits as long.</remarks>
internal static class StallWatch
{
    private static readonly TimeSpan s_beat = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_stall = TimeSpan.FromMilliseconds(500);

    public static void Start(Journal journal) => new Thread(() => Watch(journal)) { IsBackground = true, Name = "stall watch" }.Start();

    /// <summary>The same for the pool, which must not be starved where nobody does it on purpose: the proxies of the run's own process live there.</summary>
    public static async Task WatchPoolAsync(Journal journal, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            var before = Journal.Now;
            await Task.Delay(s_beat, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
            Note(journal, before);
        }
    }

    private static void Watch(Journal journal)
    {
        while (true)
        {
            var before = Journal.Now;
            Thread.Sleep(s_beat);
            Note(journal, before);
        }
    }

    private static void Note(Journal journal, TimeSpan before)
    {
        var now = Journal.Now;
        if (now - before > s_stall)
            journal.Write((_, who) => new Fault(before, who, FaultKind.Stall, now));
    }
}
