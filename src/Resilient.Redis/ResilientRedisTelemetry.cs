namespace Resilient.Redis;

/// <summary>The names to give to <c>AddSource</c> and <c>AddMeter</c> of OpenTelemetry. Spans and instruments follow its conventions for database clients.</summary>
public static class ResilientRedisTelemetry
{
    /// <summary>Of the spans: one for each call.</summary>
    public const string ActivitySourceName = "Resilient.Redis";

    /// <summary>Of the instruments: operations, retries, connections, availability, and what the watchdog found.</summary>
    public const string MeterName = "Resilient.Redis";
}
