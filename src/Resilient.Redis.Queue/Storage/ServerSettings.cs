namespace Resilient.Redis.Queue.Storage;

/// <summary>How the server keeps what it is given, as far as it tells; null for what it does not.</summary>
/// <param name="EvictionPolicy">For example <c>noeviction</c>.</param>
/// <param name="AppendOnly">Whether writes go to an append-only file.</param>
/// <param name="SavePoints">When snapshots are taken; empty for never.</param>
/// <param name="Role">For example <c>master</c>.</param>
/// <param name="Refused">What could not be asked: commands, with the server's reason.</param>
internal sealed record ServerSettings(string? EvictionPolicy, bool? AppendOnly, string? SavePoints, string? Role, IReadOnlyList<string> Refused)
{
    /// <summary>A store that keeps what it is given as long as it lives, and has nothing to tell.</summary>
    public static readonly ServerSettings None = new(null, null, null, null, []);
}
