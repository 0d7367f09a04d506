using Resilient.Redis.Queue.Producing;
using Resilient.Redis.Queue.Storage;

namespace Resilient.Redis.Queue.Recurring;

/// <summary>A recurring job as the application has it in its code.</summary>
/// <param name="Name">What it goes by in its queue.</param>
/// <param name="Schedule">When it ticks.</param>
/// <param name="Missed">What becomes of missed ticks.</param>
/// <param name="Write">Makes the job as it is stored.</param>
internal sealed record RecurringDefinition(string Name, CronSchedule Schedule, MissedTicks Missed, Func<JobWriter, NewJob> Write)
{
    private const int LongestName = 100; // with ":" and a time it is a job's id

    /// <exception cref="ArgumentException">The name, the expression or an option cannot be meant.</exception>
    public static RecurringDefinition Of<TJob>(string name, string cron, TJob job, TimeZoneInfo? zone, MissedTicks missed, EnqueueOptions? options)
    {
        ArgumentNullException.ThrowIfNull(job);
        if (name is not { Length: > 0 and <= LongestName } || name.AsSpan().ContainsAnyExcept(JobIdCharacters.Allowed))
            throw new ArgumentException($"The name of a recurring job has 1 to {LongestName} letters, digits, or any of - _ . : / and '{name}' has not.", nameof(name));
        if (!Enum.IsDefined(missed))
            throw new ArgumentOutOfRangeException(nameof(missed), missed, "It is no value of MissedTicks.");
        options ??= new();
        if (options.Id is not null || options.Delay is not null || options.NotBefore is not null)
            throw new ArgumentException($"Recurring job '{name}': its id and its time come from its ticks; leave Id, Delay and NotBefore out.", nameof(options));
        EnqueueOptionsCheck.Throw(options);
        try
        {
            return new(name, new CronSchedule(cron, zone), missed, writer => writer.Write(job, options));
        }
        catch (ArgumentException error) when (error.ParamName == nameof(cron))
        {
            throw new ArgumentException($"Recurring job '{name}': {error.Message}", error);
        }
    }
}
