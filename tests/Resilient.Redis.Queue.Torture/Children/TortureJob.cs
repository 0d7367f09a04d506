namespace Resilient.Redis.Queue.Torture.Children;

/// <summary>A job that says how its handler is to behave.</summary>
/// <param name="Kind">What it does.</param>
/// <param name="Milliseconds">For how long.</param>
/// <param name="Padding">So that payloads have different lengths.</param>
[JobName("torture")]
internal sealed record TortureJob(JobKind Kind, int Milliseconds, string Padding)
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
        return new TortureJob(kind, milliseconds, new string('x', random.Next(10) == 0 ? random.Next(20_000) : random.Next(200)));
    }
}

internal enum JobKind
{
    Short,
    FailsOnce,
    FailsAlways,
    GivesUp,
    PutsOff,
    Long,

    /// <summary>Does not listen to its token.</summary>
    Stubborn,

    /// <summary>Holds a thread of the pool.</summary>
    Blocking,
}
