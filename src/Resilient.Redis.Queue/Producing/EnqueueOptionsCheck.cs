using System.Runtime.CompilerServices;

namespace Resilient.Redis.Queue.Producing;

/// <summary>Refuses what cannot be meant, before anything is sent.</summary>
internal static class EnqueueOptionsCheck
{
    private static readonly TimeSpan s_longest = TimeSpan.FromDays(3650);

    public static void Throw(EnqueueOptions options)
    {
        if (options.Delay is not null && options.NotBefore is not null)
            throw new ArgumentException("EnqueueOptions has both Delay and NotBefore: set one of them.");
        if (options.Id is { Value: "" })
            throw new ArgumentException("EnqueueOptions.Id is default(JobId): leave it null, or make one with JobId.New().");
        Between(options.Delay, TimeSpan.Zero, s_longest);
        Between(options.Timeout, TimeSpan.FromMilliseconds(1), s_longest);
        Between(options.ResultRetention, TimeSpan.Zero, TimeSpan.FromDays(365));
        Between(options.MaxAttempts, 1, 1000);
        Between(options.UniqueFor, TimeSpan.FromMilliseconds(1), TimeSpan.FromDays(365));
        if (options.UniqueKey is { Length: 0 or > 256 })
            throw new ArgumentException("EnqueueOptions.UniqueKey has 1 to 256 characters.");
        if (options.UniqueFor is not null && options.UniqueKey is null)
            throw new ArgumentException("EnqueueOptions has UniqueFor without UniqueKey: set both.");
        if (options.Headers is { } headers && (headers.Count > ushort.MaxValue || headers.Any(header => header.Key is "" || header.Value is null)))
            throw new ArgumentException($"EnqueueOptions.Headers has at most {ushort.MaxValue} entries, none without a name or a value.");
    }

    private static void Between<T>(T? value, T least, T most, [CallerArgumentExpression(nameof(value))] string name = "")
        where T : struct, IComparable<T>
    {
        if (value is { } given && (given.CompareTo(least) < 0 || given.CompareTo(most) > 0))
            throw new ArgumentOutOfRangeException(name, given, $"It must be from {least} to {most}.");
    }
}
