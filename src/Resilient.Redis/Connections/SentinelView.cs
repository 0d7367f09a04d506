using System.Net;

namespace Resilient.Redis.Connections;

/// <summary>What the sentinels together say of the primary. Pure: the rules that keep writes away from a stale primary, and nothing else.</summary>
/// <param name="Primary">Where to connect; null while nobody may.</param>
/// <param name="Problem">Why nobody may; null when there is a primary.</param>
/// <param name="MustLeave">Open connections have to go too: what they write now would be lost in the failover.</param>
internal sealed record SentinelView(DnsEndPoint? Primary, string? Problem, bool MustLeave)
{
    /// <summary>Before the first round.</summary>
    public static readonly SentinelView Nothing = new(null, "no sentinel has answered yet", false);

    /// <summary>Where the primary's name leads.</summary>
    public IReadOnlyList<IPAddress> Addresses { get; init; } = [];

    /// <param name="service">The name of the service.</param>
    /// <param name="sentinels">The listed sentinels, as text.</param>
    /// <param name="answers">What each of them said; null where none came.</param>
    public static SentinelView Of(string service, IReadOnlyList<string> sentinels, IReadOnlyList<SentinelAnswer?> answers)
    {
        var majority = (sentinels.Count / 2) + 1;
        var heard = answers.OfType<SentinelAnswer>().ToList();
        var knowing = heard.Where(answer => answer.Primary is not null).ToList();
        if (heard.Count < majority)
            return No($"{sentinels.Count - heard.Count} of {sentinels.Count} sentinels do not answer: {string.Join(", ", sentinels.Where((_, i) => answers[i] is null))}");
        if (knowing.Count < majority)
            return No($"{heard.Count - knowing.Count} of {sentinels.Count} sentinels know no service '{service}'");

        // A majority has to name the address, and nobody may know of a later election: either alone can be the view of a sentinel that was cut off.
        var named = knowing.GroupBy(answer => answer.Primary!).MaxBy(group => group.Count())!;
        if (named.Any(answer => answer.IsReplacing))
            return new(null, $"the sentinels are replacing the primary of '{service}' ({Text(named.Key)})", true);
        if (knowing.MaxBy(answer => answer.Epoch)!.Epoch > named.Max(answer => answer.Epoch))
            return new(null, $"the sentinels are moving '{service}' away from {Text(named.Key)}", true);
        if (named.Count() < majority)
            return No($"the sentinels do not agree on the primary of '{service}'");
        return named.Any(answer => answer.IsDown) ? No($"the sentinels do not reach the primary of '{service}' ({Text(named.Key)})") : new(named.Key, null, false);
    }

    public static string Text(DnsEndPoint endpoint) => $"{endpoint.Host}:{endpoint.Port}";

    private static SentinelView No(string problem) => new(null, problem, false);
}
