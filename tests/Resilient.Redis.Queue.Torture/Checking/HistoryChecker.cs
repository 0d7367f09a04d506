namespace Resilient.Redis.Queue.Torture.Checking;

/// <summary>Looks for what the queue promises never to let happen.</summary>
internal static class HistoryChecker
{
    private static readonly IRule[] s_rules =
    [
        new NothingIsLost(), new NothingIsMadeTwice(), new ClaimsSettleOnce(), new TokensGrow(), new RunsAgainForACause(),
        new OverlapsOnlyWhenTold(), new AttemptsAreSpentByFailures(), new NobodyIsDeaf(), new EmptyAndConserved(),
        new FollowUpsAreMadeOnce(), new UniqueJobsAreAlone(), new BatchesAreWhole(), new CancelledJobsStop(), new ProgressIsTrue(), new PoisonIsBounded(),
    ];

    public static IReadOnlyList<IRule> Rules => s_rules;

    public static IReadOnlyList<Violation> Check(History history) => [.. s_rules.SelectMany(rule => rule.Check(history))];
}

/// <summary>One thing that must never happen.</summary>
internal interface IRule
{
    IEnumerable<Violation> Check(History history);
}

/// <summary>It happened.</summary>
/// <param name="Rule">The class that says so.</param>
/// <param name="What">In words, with the job's id.</param>
internal sealed record Violation(string Rule, string What);
