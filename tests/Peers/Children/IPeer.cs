using Resilient.Redis.Benchmarks.Queue;

namespace Resilient.Redis.Peers.Children;

/// <summary>What a .NET contender can do.</summary>
internal interface IPeer
{
    /// <summary>Counts the handlers that have run.</summary>
    Runs Runs { get; }

    /// <summary>From one caller, each awaited before the next.</summary>
    Task EnqueueAsync(int jobs);

    /// <summary>From several callers at once, each as above, with so many jobs.</summary>
    Task EnqueueFromAsync(IEnumerable<int> callers);

    /// <summary>The quickest way for one caller.</summary>
    Task EnqueueManyAsync(int jobs);

    /// <summary>The worker takes nothing from now on.</summary>
    Task HoldAsync();

    /// <summary>The worker goes to work.</summary>
    Task ReleaseAsync();

    /// <summary>Ends when nothing waits or is in work any more, as Redis sees it.</summary>
    Task SettledAsync();
}
