namespace Resilient.Redis.Queue;

/// <summary>What becomes of a recurring job's ticks that nobody was there for. A tick is missed when it is a minute late; up to then it is made up in any case.</summary>
public enum MissedTicks
{
    /// <summary>One job for all of them, as soon as somebody is there again.</summary>
    RunOnce = 0,

    /// <summary>None: the next tick is the next that comes.</summary>
    Skip = 1,

    /// <summary>A job for each, oldest first; of more than a thousand about the newest thousand and the oldest one.</summary>
    RunAll = 2,
}
