using Resilient.Redis.Queue.Torture.Recording;

namespace Resilient.Redis.Queue.Torture.Checking;

/// <summary>Rule R14: the tokens of a job grow with each claim, no two claims share one, and a claim starts one run at most.</summary>
internal sealed class TokensGrow : IRule
{
    public IEnumerable<Violation> Check(History history)
    {
        foreach (var claims in history.Claims)
        {
            if (claims.GroupBy(claim => claim.Token).FirstOrDefault(same => same.Count() > 1) is { } shared)
                yield return new(nameof(TokensGrow), $"{claims.Key}: the token {shared.Key} was given to {string.Join(" and ", shared.Select(claim => claim.Who))}.");

            // By Redis's clock, which orders the claims of all workers; a repeat of an answer has the time of the repeat.
            var latest = 0L;
            foreach (var claim in history.RepliesWith(claims.Key).OrderBy(claim => claim.ServerTime).ThenBy(claim => claim.Token))
            {
                if (claim.Token < latest)
                    yield return new(nameof(TokensGrow), $"{claims.Key} was claimed with the token {claim.Token} after {latest}.");
                latest = Math.Max(latest, claim.Token);
            }
        }

        foreach (var twice in history.Runs.SelectMany(runs => runs.GroupBy(run => (run.Id, run.Token)).Where(same => same.Count() > 1)))
            yield return new(nameof(TokensGrow), $"{twice.Key.Id}: {twice.Count()} runs were started for the claim {twice.Key.Token}.");
    }
}
