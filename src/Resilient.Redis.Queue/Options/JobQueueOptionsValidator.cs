using System.Buffers;
using Microsoft.Extensions.Options;

namespace Resilient.Redis.Queue.Options;

/// <summary>The ranges of <see cref="JobQueueOptions"/>.</summary>
internal sealed class JobQueueOptionsValidator(string queue) : IValidateOptions<JobQueueOptions>
{
    private static readonly SearchValues<char> s_prefixCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:");

    public ValidateOptionsResult Validate(string? name, JobQueueOptions options)
    {
        if (name != queue)
            return ValidateOptionsResult.Skip;

        var faults = new OptionFaults($"{nameof(JobQueueOptions)} of queue '{queue}'");
        if (!IsKeyPart(options.KeyPrefix))
            faults.Add($"KeyPrefix is '{options.KeyPrefix}'; it must have 1 to 64 letters, digits, or any of - _ . :");
        faults.Between(options.Lease, TimeSpan.FromSeconds(3), TimeSpan.FromHours(1));
        faults.Between(options.MaxAttempts, 1, 1000);
        faults.Between(options.MaxDeliveries, 1, 1000);
        faults.Between(options.BackoffBase, TimeSpan.Zero, TimeSpan.FromHours(1));
        faults.Between(options.BackoffMax, options.BackoffBase, TimeSpan.FromDays(7));
        faults.Between(options.ResultRetention, TimeSpan.Zero, TimeSpan.FromDays(365));
        faults.Between(options.DeadRetention, TimeSpan.FromMinutes(1), TimeSpan.FromDays(3650));
        faults.Between(options.DeadLimit, 1, 10_000_000);
        faults.Between(options.MaxPayloadBytes, 1024, 64 * 1024 * 1024);
        faults.Between(options.ReplicaAcks, 0, 16);
        faults.Between(options.ReplicaAckTimeout, TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(1));
        if (options.MaxLength is { } most)
            faults.Between(most, 1, long.MaxValue, nameof(options.MaxLength));
        if (options.MaxConcurrency is { } atOnce)
            faults.Between(atOnce, 1, 1_000_000, nameof(options.MaxConcurrency));
        if (options.RateLimit is { } rate)
        {
            faults.Between(rate.Starts, 1, 1_000_000, "RateLimit: Starts");
            faults.Between(rate.Period, TimeSpan.FromMilliseconds(1), TimeSpan.FromDays(1), "RateLimit: Period");
        }

        if (options.ReadyAgeLimit is { } readyAge)
            faults.Between(readyAge, TimeSpan.FromSeconds(1), TimeSpan.FromDays(365), nameof(options.ReadyAgeLimit));
        return faults.Result();
    }

    /// <summary>No braces, so that the hash tag of the keys stays one.</summary>
    public static bool IsKeyPart(string? text) => text is { Length: > 0 and <= 64 } && !text.AsSpan().ContainsAnyExcept(s_prefixCharacters);
}
