using Resilient.Redis.Queue.Storage;
using Resilient.Redis.Queue.Torture.Recording;

namespace Resilient.Redis.Queue.Torture.Checking;

/// <summary>Promises 2 and 4: one accepted settlement a claim, none by a worker that lost it, none refused without a cause, and nothing after the end.</summary>
internal sealed class ClaimsSettleOnce : IRule
{
    public IEnumerable<Violation> Check(History history) => history.Settlements.SelectMany(settled => CheckJob(history, settled.Key, [.. settled]));

    private static IEnumerable<Violation> CheckJob(History history, string id, List<Settled> settled)
    {
        var accepted = settled.Where(answer => answer.Code == ReplyCode.Accepted).ToList();
        var claims = history.RepliesWith(id);
        foreach (var twice in accepted.GroupBy(answer => answer.Token).Where(answers => answers.Count() > 1))
            yield return Broken($"{id}: {twice.Count()} settlements were accepted for the claim {twice.Key}.");
        if (accepted.Count(answer => answer.State is JobState.Completed or JobState.Dead or JobState.Cancelled) > 1)
            yield return Broken($"{id} was ended more than once.");

        foreach (var answer in accepted)
        {
            // Not by Redis's clock: the answer to a repeated call has the time of the repeat, and the settlement may be older than the other's claim.
            if (claims.Any(claim => claim.Token > answer.Token && claim.At < answer.SentAt))
                yield return Broken($"{id}: a settlement of {answer.Who} under the token {answer.Token} was accepted after another had claimed the job.");
            if (answer.State is JobState.Completed or JobState.Dead or JobState.Cancelled && claims.Any(claim => claim.ServerTime > answer.ServerTime))
                yield return Broken($"{id} was claimed after it had ended.");
        }

        foreach (var answer in settled.Where(answer => answer.Code is ReplyCode.Lost or ReplyCode.Gone))
        {
            var claimed = history.Claims[id].FirstOrDefault(claim => claim.Token == answer.Token && claim.Who == answer.Who)?.At ?? answer.At;
            if (answer.Code == ReplyCode.Gone || !history.Troubles.Befell(answer.Who, claimed, answer.At))
                yield return Broken($"{id}: a settlement of {answer.Who} was refused ({answer.Code}) although nothing had befallen it.");
        }
    }

    private static Violation Broken(string what) => new(nameof(ClaimsSettleOnce), what);
}
