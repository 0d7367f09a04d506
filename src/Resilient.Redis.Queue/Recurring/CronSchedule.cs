using Cronos;

namespace Resilient.Redis.Queue.Recurring;

/// <summary>A cron expression in a time zone. In the gap of spring a tick comes when the gap ends; in the hour that autumn repeats a fixed time comes once, an interval goes on.</summary>
internal sealed class CronSchedule
{
    private static readonly DateTimeOffset s_anyTime = new(2000, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly CronExpression _expression;
    private readonly TimeZoneInfo _zone;

    /// <exception cref="ArgumentException">The expression cannot be read, or names a time that never comes.</exception>
    public CronSchedule(string cron, TimeZoneInfo? zone)
    {
        ArgumentNullException.ThrowIfNull(cron);
        string[] fields = cron.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        Cron = string.Join(' ', fields);
        _zone = zone ?? TimeZoneInfo.Utc;
        Zone = _zone.HasIanaId || !TimeZoneInfo.TryConvertWindowsIdToIanaId(_zone.Id, out var iana) ? _zone.Id : iana;
        try
        {
            _expression = CronExpression.Parse(Cron, fields.Length == 6 ? CronFormat.IncludeSeconds : CronFormat.Standard);
        }
        catch (CronFormatException error)
        {
            throw new ArgumentException(
                $"The cron expression '{cron}' cannot be read: {error.Message} It has five fields (minute, hour, day of month, month, day of week), or six with the second first.", nameof(cron), error);
        }

        if (_expression.GetNextOccurrence(s_anyTime, _zone) is null)
            throw new ArgumentException($"The cron expression '{cron}' names a time that never comes.", nameof(cron));
    }

    /// <summary>In one form, so that two processes write the same.</summary>
    public string Cron { get; }

    /// <summary>The zone's id; IANA's where there is one, so that Windows and Linux write the same.</summary>
    public string Zone { get; }

    /// <summary>The first tick after that moment; both in ms since 1970.</summary>
    public long NextAfter(long moment) =>
        (_expression.GetNextOccurrence(DateTimeOffset.FromUnixTimeMilliseconds(moment), _zone) ?? DateTimeOffset.MaxValue).ToUnixTimeMilliseconds();
}
