namespace Resilient.Redis;

/// <summary>What the caller knows about running a command twice. There is no default: think once for each command.</summary>
public enum RetrySafety
{
    /// <summary>Never retried.</summary>
    Never = 1,

    /// <summary>Retried only when the command certainly did not run: it was never sent, or Redis refused it as busy.</summary>
    IfNotSent = 2,

    /// <summary>Running it twice does the same as running it once, so it is also retried when the reply was lost.</summary>
    Idempotent = 3,
}
