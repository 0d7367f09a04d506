using Resilient.Redis.Queue.Torture.Recording;

namespace Resilient.Redis.Queue.Torture.Checking;

/// <summary>What may cost a worker its leases: that it was killed or stopped, or was cut off alone. An outage of Redis is not among it, nor a reset connection, nor a starved pool; but one of these at a time.</summary>
internal sealed class Troubles(TimeSpan lease, IReadOnlyList<Happening> happenings)
{
    /// <summary>The run's own process. All workers' connections pass its proxies: where it has no time, any of them may be cut off.</summary>
    public const string Control = "control";

    /// <summary>A process that goes on after a stop finds out at its first tick: a look of the lease keeper, and the call that it makes.</summary>
    private static readonly TimeSpan s_firstTick = TimeSpan.FromSeconds(1.5);

    /// <summary>After a loss it may take as long until a worker is connected again.</summary>
    private static readonly TimeSpan s_reconnect = TimeSpan.FromSeconds(1.5);

    private readonly ILookup<string, Fault> _faults = happenings.OfType<Fault>().ToLookup(fault => fault.Who);
    private readonly Fault[] _outages = [.. happenings.OfType<Fault>().Where(fault => fault.Kind.IsOutage()).OrderBy(fault => fault.At)];
    private readonly HashSet<string> _stopInDoubt = [.. happenings.OfType<Opened>().Where(opened => opened.StopsInDoubt).Select(opened => opened.Who)];

    /// <summary>Whether the worker had a trouble of its own in that time, or so shortly before that it may have been felt then.</summary>
    public bool Befell(string who, TimeSpan from, TimeSpan to) => Of(who).Any(fault => fault.Kind switch
    {
        var kind when kind.EndsWorker() => fault.At <= to,
        FaultKind.FreezeWorker or FaultKind.Stall or FaultKind.SilenceSocket => fault.At <= to && fault.Until + 2 * lease >= from,
        _ => false,
    });

    /// <summary>Whether the worker did not live to the end of the run.</summary>
    public bool WasEnded(string who) => _faults[who].Any(fault => fault.Kind.EndsWorker());

    /// <summary>Whether the worker could not have told its handler by then that another may run the job.</summary>
    /// <remarks>
    /// One that stops in doubt can tell while it is cut off. One that waits for Redis's word cannot, nor while Redis is away: it may
    /// have lost the lease by its own freeze before Redis went, and hears of it only when Redis is back.
    /// </remarks>
    public bool CouldNotTell(string who, TimeSpan at)
    {
        var isToldByRedis = !_stopInDoubt.Contains(who);
        return Of(who).Any(fault => fault.At <= at && fault.Kind switch
        {
            FaultKind.FreezeWorker or FaultKind.Stall when fault.Who == who => at <= Heard(fault.Until, s_firstTick),
            FaultKind.SilenceSocket or FaultKind.Stall => isToldByRedis && at <= Heard(fault.Until, 2 * lease),
            _ => false,
        });

        TimeSpan Heard(TimeSpan recovered, TimeSpan within)
        {
            // By when they began: one that begins before the word can have come puts it off until its own end.
            foreach (var outage in isToldByRedis ? _outages : [])
                recovered = outage.At <= recovered + within && outage.Until > recovered ? outage.Until : recovered;
            return recovered + within;
        }
    }

    /// <summary>Whether Redis and the worker could not speak with each other for a part of that time, or one of them was still coming back.</summary>
    public bool CutOff(string who, TimeSpan from, TimeSpan to) => Of(who).Concat(_outages).Any(fault => fault.Kind switch
    {
        FaultKind.StarvePool or FaultKind.FillMemory => false,
        var kind when kind.EndsWorker() => fault.At <= to,
        _ => fault.At <= to && fault.Until + lease >= from,
    });

    /// <summary>Whether nobody could reach Redis for a part of that time.</summary>
    public bool HadOutage(TimeSpan from, TimeSpan to) => _outages.Concat(_faults[Control]).Any(fault => fault.At <= to && fault.Until >= from);

    private IEnumerable<Fault> Of(string who) => _faults[who].Concat(_faults[who].SelectMany(CutOffs)).Concat(_faults[Control]);

    /// <summary>A worker whose pool is starved while it has to connect anew is cut off alone until then: the driver connects on the pool's threads.</summary>
    private IEnumerable<Fault> CutOffs(Fault starved) => starved.Kind != FaultKind.StarvePool ? []
        : _outages.Concat(_faults[starved.Who].Where(fault => fault.Kind is FaultKind.CutSocket or FaultKind.SilenceSocket))
            .Where(lost => lost.At <= starved.Until && lost.Until + s_reconnect >= starved.At)
            .Select(lost => starved with { Kind = FaultKind.SilenceSocket, At = lost.At > starved.At ? lost.At : starved.At });
}
