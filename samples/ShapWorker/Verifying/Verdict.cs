namespace ShapWorker.Verifying;

/// <summary>What one step found.</summary>
/// <param name="Passed">Whether it found what it looked for.</param>
/// <param name="Finding">In words.</param>
/// <param name="LookAt">On a failure: which setting to look at.</param>
internal sealed record Verdict(bool Passed, string Finding, string? LookAt = null)
{
    public static Verdict Good(string finding) => new(true, finding);

    public static Verdict Bad(string finding, string lookAt) => new(false, finding, lookAt);
}
