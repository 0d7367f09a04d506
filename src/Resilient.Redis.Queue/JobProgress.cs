using System.Globalization;

namespace Resilient.Redis.Queue;

/// <summary>How far a running job is, as its handler has reported.</summary>
/// <param name="Fraction">From 0 to 1.</param>
/// <param name="Message">What it does; null when the handler said nothing.</param>
public sealed record JobProgress(double Fraction, string? Message)
{
    /// <summary>Longer messages are cut.</summary>
    internal const int MaxMessage = 500;

    /// <summary>As the lease carries it: the fraction, and after a space the message.</summary>
    internal string Write()
    {
        var fraction = Math.Clamp(double.IsNaN(Fraction) ? 0 : Fraction, 0, 1).ToString("0.####", CultureInfo.InvariantCulture);
        return Message is { Length: > 0 } ? $"{fraction} {(Message.Length > MaxMessage ? Message[..MaxMessage] : Message)}" : fraction;
    }

    /// <summary>Null for an empty text, and for one that no worker of this library wrote.</summary>
    internal static JobProgress? Read(string text)
    {
        var space = text.IndexOf(' ', StringComparison.Ordinal);
        var number = space < 0 ? text : text[..space];
        return double.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out var fraction)
            ? new JobProgress(fraction, space < 0 ? null : text[(space + 1)..])
            : null;
    }
}
