using System.Diagnostics;

namespace Resilient.Redis.Queue.Diagnostics;

/// <summary>Where a job was made, as two of its headers (W3C Trace Context). Baggage does not travel: it may hold anything, and a job is kept.</summary>
internal static class TraceContext
{
    public const string Parent = "traceparent";
    public const string State = "tracestate";

    /// <summary>What W3C asks everybody to pass on; what is longer stays behind, since a job's size is memory in Redis.</summary>
    private const int LongestState = 512;

    /// <summary>What to write beside a job's own headers: nothing for a span that nobody records, and nothing where the caller has written a context.</summary>
    public static (string? Parent, string? State) Of(Activity? creator, IReadOnlyDictionary<string, string>? headers)
    {
        if (creator is not { Recorded: true, IdFormat: ActivityIdFormat.W3C })
            return default;
        if (headers is not null && (headers.Count > ushort.MaxValue - 2 || headers.ContainsKey(Parent) || headers.ContainsKey(State)))
            return default;
        return (creator.Id, creator.TraceStateString is { Length: > 0 and <= LongestState } state ? state : null);
    }

    /// <summary>The link to where a job was made; null where its headers do not tell.</summary>
    public static ActivityLink[]? LinkIn(IReadOnlyDictionary<string, string>? headers) =>
        headers?.GetValueOrDefault(Parent) is { } parent && ActivityContext.TryParse(parent, headers.GetValueOrDefault(State), isRemote: true, out var context)
            ? [new ActivityLink(context)]
            : null;
}
