using System.Runtime.CompilerServices;

namespace Resilient.Redis.Options;

/// <summary>Collects every fault of the options, so that a start-up error tells all of them at once.</summary>
internal sealed class OptionsCheck
{
    private readonly List<string> _faults = [];

    /// <summary>Each fault once, although one bad variable may feed two settings.</summary>
    public IReadOnlyList<string> Faults => [.. _faults.Distinct()];

    public void Fault(string text) => _faults.Add(text);

    public void Between(Setting<int> setting, int least, int most)
    {
        if (setting.Value < least || setting.Value > most)
            Fault($"{setting.Source} is {setting.Value}; it must be from {least} to {most}.");
    }

    public void Between(Setting<TimeSpan> setting, TimeSpan least, TimeSpan most)
    {
        if (setting.Value < least || setting.Value > most)
            Fault($"{setting.Source} is {Text(setting.Value)}; it must be from {Text(least)} to {Text(most)}.");
    }

    public void NotLess(Setting<TimeSpan> setting, Setting<TimeSpan> least, [CallerArgumentExpression(nameof(least))] string leastName = "")
    {
        if (setting.Value < least.Value)
            Fault($"{setting.Source} is {Text(setting.Value)}; it must be at least {char.ToUpperInvariant(leastName[0])}{leastName[1..]}, which is {Text(least.Value)}.");
    }

    /// <summary>A time span as people say it: 10 ms, 2.5 s, 5 min.</summary>
    public static string Text(TimeSpan span) => span switch
    {
        { TotalSeconds: < 1 and > -1 } => FormattableString.Invariant($"{span.TotalMilliseconds:0.###} ms"),
        { TotalMinutes: < 1 and > -1 } or { Seconds: not 0, TotalMinutes: < 5 and > -5 } => FormattableString.Invariant($"{span.TotalSeconds:0.###} s"),
        { TotalHours: < 1 and > -1 } => FormattableString.Invariant($"{span.TotalMinutes:0.##} min"),
        _ => FormattableString.Invariant($"{span.TotalHours:0.##} h"),
    };
}

/// <summary>An effective value and where it came from, for messages: "REDIS_TIMEOUT", "Redis:PoolSize", "PoolSize".</summary>
internal readonly record struct Setting<T>(T Value, string Source);
