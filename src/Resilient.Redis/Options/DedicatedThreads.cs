using StackExchange.Redis;

namespace Resilient.Redis.Options;

/// <summary>The driver's process-wide switch: replies are read on threads of its own, so that a starved thread pool does not stop Redis.</summary>
internal static class DedicatedThreads
{
    private const string Flag = "DedicatedThreads";

    private static readonly Lock s_lock = new();
    private static readonly List<ResolvedRedisOptions> s_holders = [];

    public static bool IsOn => ConnectionMultiplexer.GetFeatureFlag(Flag);

    /// <summary>Who in this process has set it to the other value; null when nobody has.</summary>
    public static string? Opponent(bool wanted)
    {
        lock (s_lock)
            return s_holders.Find(holder => holder.DedicatedThreads == !wanted)?.Title;
    }

    /// <summary>Sets the switch before the first connection of <paramref name="options"/>; the driver reads it at each connect.</summary>
    public static void Hold(ResolvedRedisOptions options)
    {
        lock (s_lock)
        {
            s_holders.Add(options);
            var value = s_holders.Find(holder => holder.DedicatedThreads is not null)?.DedicatedThreads ?? true;
            ConnectionMultiplexer.SetFeatureFlag(Flag, value);

            // An unknown flag is ignored in silence: a driver that renamed it must not pass unnoticed.
            if (ConnectionMultiplexer.GetFeatureFlag(Flag) != value)
                throw new NotSupportedException($"This version of StackExchange.Redis does not know the feature flag '{Flag}'. Use the version that Resilient.Redis was built with.");
        }
    }

    public static void Release(ResolvedRedisOptions options)
    {
        lock (s_lock)
            s_holders.Remove(options);
    }
}

/// <summary>What the registrations of one container say, so that a contradiction stops the start and not a connection later.</summary>
internal sealed class DedicatedThreadsVotes
{
    private readonly Dictionary<string, (bool Value, string Title)> _votes = [];

    public void Check(ResolvedRedisOptions options, OptionsCheck check)
    {
        if (options.DedicatedThreads is not { } wanted)
            return;
        lock (_votes)
        {
            var other = _votes.Where(vote => vote.Key != options.Name && vote.Value.Value != wanted).Select(vote => vote.Value.Title).FirstOrDefault()
                ?? DedicatedThreads.Opponent(wanted);
            if (other is not null)
                check.Fault($"DedicatedThreads is {wanted}, but {other} in the same process has it set to {!wanted}; it is one switch for the whole process, so they must agree.");
            _votes[options.Name] = (wanted, options.Title);
        }
    }
}
