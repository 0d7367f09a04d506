namespace Resilient.Redis.Queue.Torture.Children;

/// <summary>A job that says how its handler is to behave.</summary>
/// <param name="Kind">What it does.</param>
/// <param name="Milliseconds">For how long.</param>
/// <param name="Padding">So that payloads have different lengths.</param>
/// <param name="FollowUps">How many jobs it enqueues with its completion: the first in the other queue, the second in its own, and so on.</param>
[JobName("torture")]
internal sealed record TortureJob(JobKind Kind, int Milliseconds, string Padding = "", int FollowUps = 0)
{
    public static TortureJob Random(Random random)
    {
        var kind = random.Next(100) switch
        {
            < 78 => JobKind.Short,
            < 88 => JobKind.FailsOnce,
            < 90 => JobKind.FailsAlways,
            < 92 => JobKind.GivesUp,
            < 95 => JobKind.PutsOff,
            < 98 => JobKind.Long,
            < 99 => JobKind.Stubborn,
            _ => JobKind.Blocking,
        };
        var milliseconds = kind switch
        {
            JobKind.Long or JobKind.Stubborn => random.Next(1000, 6000),
            JobKind.Blocking => random.Next(200, 2000),
            _ => random.Next(1, 60),
        };
        var padding = new string('x', random.Next(10) == 0 ? random.Next(20_000) : random.Next(200));
        return new TortureJob(kind, milliseconds, padding, random.Next(10) == 0 ? random.Next(1, 4) : 0);
    }
}

internal enum JobKind
{
    Short,
    FailsOnce,
    FailsAlways,
    GivesUp,
    PutsOff,

    /// <summary>Reports how far it is.</summary>
    Long,

    /// <summary>Does not listen to its token.</summary>
    Stubborn,

    /// <summary>Holds a thread of the pool.</summary>
    Blocking,

    /// <summary>Kills its process.</summary>
    Killer,
}

/// <summary>What producers send under a name whose handler expects a number: nobody can read it.</summary>
[JobName("torture.unreadable")]
internal sealed record UnreadableJob(string Number);

/// <summary>What the handler of that name expects.</summary>
[JobName("torture.unreadable")]
internal sealed record ReadableJob(int Number);

/// <summary>No worker has a handler for it.</summary>
[JobName("torture.unknown")]
internal sealed record UnknownJob(int Number);
