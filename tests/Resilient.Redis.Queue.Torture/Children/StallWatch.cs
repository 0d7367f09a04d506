using Resilient.Redis.Queue.Torture.Recording;

namespace Resilient.Redis.Queue.Torture.Children;

/// <summary>Writes down when the machine gave this process no time for so long that a lease may be lost: the queue cannot promise anything then.</summary>
internal static class StallWatch
{
    private static readonly TimeSpan s_beat = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_stall = TimeSpan.FromMilliseconds(750);

    public static void Start(Journal journal) => new Thread(() => Watch(journal)) { IsBackground = true, Name = "stall watch" }.Start();

    private static void Watch(Journal journal)
    {
        for (var last = Journal.Now; ;)
        {
            Thread.Sleep(s_beat);
            var (before, now) = (last, Journal.Now);
            last = now;
            if (now - before > s_stall)
                journal.Write((_, who) => new Fault(before, who, FaultKind.Stall, now));
        }
    }
}
