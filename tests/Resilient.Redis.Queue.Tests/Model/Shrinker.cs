namespace Resilient.Redis.Queue.Tests.Model;

/// <summary>Makes a failing sequence short: leaves out whatever it fails without.</summary>
internal static class Shrinker
{
    private const int MostTries = 400;

    /// <param name="sequence">One that fails.</param>
    /// <param name="failure">How.</param>
    /// <param name="run">Null for a sequence that passes.</param>
    public static async Task<(Sequence Sequence, string Failure)> ShrinkAsync(Sequence sequence, string failure, Func<Sequence, Task<string?>> run)
    {
        var tries = 0;
        for (var shorter = true; shorter;)
        {
            shorter = false;
            foreach (var candidate in Shorter(sequence))
            {
                if (++tries > MostTries)
                    return (sequence, failure);
                if (await run(candidate) is not { } again)
                    continue;
                (sequence, failure, shorter) = (candidate, again, true);
                break;
            }
        }

        return (sequence, failure);
    }

    /// <summary>Large parts first, then single steps, then parts of steps.</summary>
    private static IEnumerable<Sequence> Shorter(Sequence sequence)
    {
        for (var size = sequence.Steps.Count / 2; size >= 1; size /= 2)
        {
            for (var from = sequence.Steps.Count - size; from >= 0; from -= size)
                yield return sequence with { Steps = [.. sequence.Steps.Take(from), .. sequence.Steps.Skip(from + size)] };
        }

        for (var i = 0; i < sequence.Steps.Count; i++)
        {
            foreach (var simpler in Simpler(sequence.Steps[i]))
                yield return sequence with { Steps = [.. sequence.Steps.Take(i), simpler, .. sequence.Steps.Skip(i + 1)] };
        }
    }

    private static IEnumerable<Step> Simpler(Step step) => step switch
    {
        Step.Enqueue enqueue => Without(enqueue.Jobs).Where(jobs => jobs.Length > 0).Select(jobs => enqueue with { Jobs = jobs }),
        Step.Work work => Without(work.Ended).Select(ended => (Step)(work with { Ended = ended })).Concat(work.Want > 1 ? [work with { Want = 1 }] : []),
        Step.Extend extend => Without(extend.Leases).Where(leases => leases.Length > 0).Select(leases => extend with { Leases = leases }),
        Step.Lapse { Looks: > 1 } lapse => [lapse with { Looks = lapse.Looks - 1 }],
        _ => [],
    };

    private static IEnumerable<T[]> Without<T>(T[] items) => items.Select((_, i) => (T[])[.. items[..i], .. items[(i + 1)..]]);
}
