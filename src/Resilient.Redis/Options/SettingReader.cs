using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace Resilient.Redis.Options;

/// <summary>Finds one setting: code, then connection text, then environment variable, then section, then default. Reads only the value that wins.</summary>
internal sealed class SettingReader(OptionsCheck check, Func<string, string?> environment, IConfiguration? section, string sectionPath, ConnectionText? text, string textSource)
{
    /// <summary>The driver's own keys win in their order; <paramref name="ofText"/> reads what the driver made of them.</summary>
    public Setting<TimeSpan> Time(string name, TimeSpan? code, string[] textKeys, Func<StackExchange.Redis.ConfigurationOptions, TimeSpan>? ofText, string? variable, TimeSpan otherwise)
    {
        if (code is { } set)
            return new(set, name);
        if (ofText is not null && NamedKey(textKeys) is { } key)
            return new(ofText(text!.Options), $"{key} in {textSource}");
        if (Environment(variable) is { } seconds)
            return Seconds(variable!, seconds, otherwise);
        return Section(name) is { } value ? Parse(name, value, "a time span such as 00:00:02.5", ParseTime, otherwise) : new(otherwise, name);
    }

    public Setting<int> Number(string name, int? code, string? variable, int otherwise)
    {
        if (code is { } set)
            return new(set, name);
        if (Environment(variable) is { } text)
            return Convert(variable!, text, "a whole number", ParseNumber, otherwise);
        return Section(name) is { } value ? Parse(name, value, "a whole number", ParseNumber, otherwise) : new(otherwise, name);
    }

    public Setting<bool?> Flag(string name, bool? code, string[] textKeys, Func<StackExchange.Redis.ConfigurationOptions, bool>? ofText, string? variable, bool? otherwise)
    {
        if (code is { } set)
            return new(set, name);
        if (ofText is not null && NamedKey(textKeys) is { } key)
            return new(ofText(text!.Options), $"{key} in {textSource}");
        if (Environment(variable) is { } raw)
            return Convert(variable!, raw, "true, false, 1 or 0", ParseFlag, otherwise);
        return Section(name) is { } value ? Parse(name, value, "true, false, 1 or 0", ParseFlag, otherwise) : new(otherwise, name);
    }

    private string? NamedKey(string[] keys) => text is null ? null : keys.FirstOrDefault(text.Named.Contains);

    /// <summary>Docker and Render pass empty variables for unset ones.</summary>
    private string? Environment(string? variable) =>
        variable is not null && environment(variable)?.Trim() is { Length: > 0 } value ? value : null;

    private string? Section(string name) => section?[name] is { Length: > 0 } value ? value : null;

    private Setting<TimeSpan> Seconds(string variable, string text, TimeSpan otherwise) =>
        Convert(variable, text, "a number of seconds, such as 2.5", ParseSeconds, otherwise);

    private Setting<T> Parse<T>(string name, string text, string allowed, Func<string, (bool Good, T Value)> parse, T otherwise) =>
        Convert($"{sectionPath}:{name}", text, allowed, parse, otherwise);

    private Setting<T> Convert<T>(string source, string text, string allowed, Func<string, (bool Good, T Value)> parse, T otherwise)
    {
        var (good, value) = parse(text);
        if (good)
            return new(value, source);
        check.Fault($"{source} is '{text}'; it must be {allowed}.");
        return new(otherwise, source);
    }

    private static (bool Good, TimeSpan Value) ParseTime(string text) =>
        (TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var value), value);

    private static (bool Good, TimeSpan Value) ParseSeconds(string text)
    {
        var good = double.TryParse(text, NumberStyles.AllowDecimalPoint | NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var seconds) && Math.Abs(seconds) < 1e9;
        return (good, good ? TimeSpan.FromSeconds(seconds) : default);
    }

    private static (bool Good, int Value) ParseNumber(string text) =>
        (int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value), value);

    private static (bool Good, bool? Value) ParseFlag(string text) => text.ToUpperInvariant() switch
    {
        "TRUE" or "1" => (true, true),
        "FALSE" or "0" => (true, false),
        _ => (false, null),
    };
}
