namespace Resilient.Redis.Queue;

/// <summary>The names to give to <c>AddSource</c> and <c>AddMeter</c> of OpenTelemetry. Spans and instruments follow its conventions for messaging.</summary>
public static class JobQueueTelemetry
{
    /// <summary>Of the spans: one for each enqueue, and one for each run of a handler, linked to where its job was enqueued.</summary>
    public const string ActivitySourceName = "Resilient.Redis.Queue";

    /// <summary>Of the instruments: jobs sent and delivered, durations of calls and runs, leases lost, settlements refused, dead jobs, and how many jobs there are.</summary>
    public const string MeterName = "Resilient.Redis.Queue";
}
