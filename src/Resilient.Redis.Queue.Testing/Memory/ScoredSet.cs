using System.Diagnostics.CodeAnalysis;

namespace Resilient.Redis.Queue.Testing.Memory;

/// <summary>A sorted set as Redis has it: members by their score, and by their bytes where scores are equal.</summary>
internal sealed class ScoredSet
{
    private readonly Dictionary<string, long> _scores = new(StringComparer.Ordinal);
    private readonly SortedSet<(long Score, string Member)> _order = new(new ByScoreThenBytes());

    public int Count => _scores.Count;

    public IEnumerable<(long Score, string Member)> Ascending => _order;

    public IEnumerable<(long Score, string Member)> Descending => _order.Reverse();

    /// <summary>The lowest score; null when it is empty.</summary>
    public long? First => Count == 0 ? null : _order.Min.Score;

    /// <summary>The highest score; null when it is empty.</summary>
    public long? Last => Count == 0 ? null : _order.Max.Score;

    public bool Contains(string member) => _scores.ContainsKey(member);

    public bool TryGetScore(string member, [NotNullWhen(true)] out long? score)
    {
        score = _scores.TryGetValue(member, out var found) ? found : null;
        return score is not null;
    }

    public void Set(string member, long score)
    {
        Remove(member);
        _scores[member] = score;
        _order.Add((score, member));
    }

    public bool Remove(string member) => _scores.Remove(member, out var score) && _order.Remove((score, member));

    /// <summary>The first members whose score is at most <paramref name="most"/>.</summary>
    public List<string> UpTo(long most, int limit) => [.. _order.TakeWhile(entry => entry.Score <= most).Take(limit).Select(entry => entry.Member)];

    private sealed class ByScoreThenBytes : IComparer<(long Score, string Member)>
    {
        public int Compare((long Score, string Member) x, (long Score, string Member) y) =>
            x.Score != y.Score ? x.Score.CompareTo(y.Score) : string.CompareOrdinal(x.Member, y.Member);
    }
}
