using Resilient.Redis.Queue.Storage;

namespace Resilient.Redis.Queue.Tests.Model;

/// <summary>A queue's options and what happens to it, made from a seed: the same one from the same seed.</summary>
internal sealed record Sequence(int Seed, JobQueueOptions Options, IReadOnlyList<Step> Steps)
{
    public const int Ids = 8;
    public const int Sessions = 3;
    public const int Keys = 2;
    public const int Outcomes = 6;

    private static readonly long[] s_spans = [1, 100, 1000, 1000, 2000, 2000, 2400, 2400, 2600, 5000, 11_000, 70_000, 3_600_000, -500, -3_600_000];

    public static Sequence Of(int seed)
    {
        var random = new Random(seed);
        var options = new JobQueueOptions
        {
            MaxDeliveries = random.Next(1, 4),
            DeadLimit = random.Next(4) == 0 ? 2 : 100_000,
            DeadRetention = random.Next(3) == 0 ? TimeSpan.FromMinutes(1) : TimeSpan.FromDays(30),
            MaxConcurrency = random.Next(4) == 0 ? random.Next(1, 4) : null,
            RateLimit = random.Next(4) == 0 ? new(random.Next(1, 4), TimeSpan.FromMilliseconds(random.Next(3) == 0 ? 7000 : 1000)) : null,
            MaxLength = random.Next(3) == 0 ? 5 : null,
        };
        return new(seed, options, [.. Enumerable.Range(0, random.Next(5, 45)).Select(_ => Next(random))]);
    }

    private static Step Next(Random random) => random.Next(115) switch
    {
        < 17 => new Step.Enqueue(Some(random, 4, Job), random.Next(12) == 0),
        < 45 => new Step.Work(random.Next(Sessions), random.Next(4), random.Next(3) > 0, random.Next(2) == 0 ? [] : Some(random, 3, End), random.Next(10) == 0 ? 3 : 0),
        < 50 => new Step.Again(random.Next(Sessions), random.Next(4) == 0),
        < 60 => new Step.Extend(random.Next(Sessions), Some(random, 3, Keep)),
        < 65 => new Step.Cancel(random.Next(Ids)),
        < 69 => new Step.Requeue(random.Next(Ids)),
        < 72 => new Step.Remove(random.Next(Ids)),
        < 75 => new Step.Pause(random.Next(3) == 0),
        < 92 => new Step.Pass(s_spans[random.Next(s_spans.Length)]),
        < 94 => new Step.Spoil(random.Next(Ids), random.Next(2) == 0),
        < 96 => new Step.Vanish(random.Next(Sessions)),
        < 97 => new Step.Deliver(),
        < 98 => new Step.Expire(),
        < 100 => new Step.Look(random.Next(Ids)),
        < 102 => new Step.Schedule(random.Next(2), random.Next(2), random.Next(2) == 0, random.Next(3000), Job(random)),
        < 105 => new Step.Tick(random.Next(2), random.Next(2), random.Next(6) == 0, random.Next(4) > 0),
        < 106 => new Step.Trigger(random.Next(2), random.Next(Ids)),
        < 107 => new Step.Unschedule(random.Next(2)),
        < 108 => new Step.Drain(),
        < 111 => new Step.Page((JobState)random.Next(1, 7), random.Next(3) / 2, random.Next(2) == 0, random.Next(6) == 0 ? 1 : 0),
        _ => new Step.Lapse(random.Next(Sessions), random.Next(4, 10)),
    };

    private static Arrival Job(Random random) => new(
        random.Next(Ids), random.Next(3) == 0 ? random.Next(1, 4000) : 0, random.Next(4) == 0 ? random.Next(1, Keys + 1) : 0, random.Next(2) == 0, random.Next(1, 4), random.Next(2) * 100_000);

    private static Ended End(Random random) => new(
        random.Next(3), random.Next(8) == 0, random.Next(10) == 0, random.Next(Outcomes + 2) % Outcomes, random.Next(2) * random.Next(3000), random.Next(4) > 0,
        random.Next(3) == 0 ? Some(random, 2, Job) : [], random.Next(3) == 0);

    private static Kept Keep(Random random) => new(random.Next(3), random.Next(8) == 0, random.Next(10) == 0, random.Next(2) == 0, random.Next(3));

    private static T[] Some<T>(Random random, int most, Func<Random, T> make) => [.. Enumerable.Range(0, random.Next(1, most + 1)).Select(_ => make(random))];

    public static Outcome OutcomeOf(Ended ended, IReadOnlyList<FollowUp> followUps) => ended.Outcome switch
    {
        0 => new Outcome.Completed(ended.DelayMs % 2 == 0 ? [] : "1"u8.ToArray(), followUps),
        1 => new Outcome.Failed(TimeSpan.FromMilliseconds(ended.DelayMs), "failed"),
        2 => new Outcome.PutOff(TimeSpan.FromMilliseconds(ended.DelayMs), "later"),
        3 => new Outcome.Unknown(TimeSpan.FromMilliseconds(ended.DelayMs), "unknown"),
        4 => new Outcome.Dead("hopeless"),
        _ => Outcome.Returned.Instance,
    };
}
