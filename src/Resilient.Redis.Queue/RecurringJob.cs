namespace Resilient.Redis.Queue;

/// <summary>A recurring job as it is registered in Redis, for operators.</summary>
public sealed record RecurringJob
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>When it ticks.</summary>
    public required string Cron { get; init; }

    /// <summary>In which time zone: the IANA id where there is one.</summary>
    public required string TimeZone { get; init; }

    /// <summary>The wire name of the job that it makes.</summary>
    public required string JobName { get; init; }

    /// <summary>Its next tick, by Redis's clock. In the past when nobody is there for it.</summary>
    public required DateTimeOffset NextAt { get; init; }

    /// <summary>The last tick that was dealt with; null before the first.</summary>
    public required DateTimeOffset? LastAt { get; init; }

    /// <summary>When a process that has it in its code looked last, which each does every 20 s. Long ago: no process has it any more, and it does nothing.</summary>
    public required DateTimeOffset SeenAt { get; init; }
}
