using Resilient.Redis.Queue.Torture.Recording;

namespace Resilient.Redis.Queue.Torture.Checking;

/// <summary>What may cost a worker its leases: that it was killed or stopped, or was cut off alone. An outage of Redis is not among it, nor a reset connection, nor a starved pool.</summary>
internal sealed class Troubles(TimeSpan lease, IReadOnlyList<Happening> happenings)
{
    /// <summary>A process that goes on after a stop finds out at its first tick: a look of the lease keeper, and the call that it makes.</summary>
    private static readonly TimeSpan s_firstTick = TimeSpan.FromSeconds(1.5);

    private readonly ILookup<string, Fault> _faults = happenings.OfType<Fault>().ToLookup(fault => fault.Who);
    private readonly HashSet<string> _stopInDoubt = [.. happenings.OfType<Opened>().Where(opened => opened.StopsInDoubt).Select(opened => opened.Who)];

    /// <summary>Whether the worker had a trouble of its own in that time, or so shortly before that it may have been felt then.</summary>
    public bool Befell(string who, TimeSpan from, TimeSpan to) => _faults[who].Any(fault => fault.Kind switch
    {
        FaultKind.KillWorker => fault.At <= to,
        FaultKind.FreezeWorker or FaultKind.Stall or FaultKind.SilenceSocket => fault.At <= to && fault.Until + 2 * lease >= from,
        _ => false,
    });

    /// <summary>Whether the worker could not have told its handler by then that another may run the job.</summary>
    /// <remarks>One that stops in doubt can tell while it is cut off; one that waits for Redis's word cannot.</remarks>
    public bool CouldNotTell(string who, TimeSpan at) => _faults[who].Any(fault => fault.Kind switch
    {
        FaultKind.FreezeWorker or FaultKind.Stall => fault.At <= at && at <= fault.Until + s_firstTick,
        FaultKind.SilenceSocket => !_stopInDoubt.Contains(who) && fault.At <= at && at <= fault.Until + 2 * lease,
        _ => false,
    });
}
