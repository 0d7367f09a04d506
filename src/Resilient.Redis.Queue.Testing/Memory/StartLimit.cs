namespace Resilient.Redis.Queue.Testing.Memory;

/// <summary>How many jobs a queue may start, over all workers: a size of the active set, and a bucket of tokens (rule R21). As Scripts/_limit.lua.</summary>
internal sealed class StartLimit
{
    private const long TurnMs = 1000; // how late who has the turn may be before another takes it

    private readonly WorkerCall _call;
    private readonly long _starts;
    private readonly long _period;
    private long _level;
    private string _turn = "";
    private long _until;

    public StartLimit(WorkerCall call)
    {
        _call = call;
        _starts = call.Options.RateLimit?.Starts ?? 0;
        _period = (long)(call.Options.RateLimit?.Period ?? TimeSpan.Zero).TotalMilliseconds;
        // A token is a period's parts, and starts parts flow in each ms: so all are integers. Full when nothing is stored.
        _level = _starts * _period;
        if (_starts == 0 || call.Data.Rate is not { } stored)
            return;

        var elapsed = Math.Max(0, call.QueueTime - stored.At);
        if (elapsed < _period)
            _level = Math.Min(_level, (stored.Period == _period ? stored.Level : (long)((double)stored.Level / stored.Period * _period)) + elapsed * _starts);
        if (stored.Until > call.QueueTime)
            (_turn, _until) = (stored.Turn, stored.Until);
    }

    /// <summary>How many more jobs may be started.</summary>
    public int Allowed => (int)Math.Min(
        _call.Options.MaxConcurrency is { } most ? Math.Max(0, most - _call.Data.Active.Count) : int.MaxValue,
        _starts > 0 ? Math.Min(_level / _period, int.MaxValue) : int.MaxValue);

    /// <summary>Pays for what was handed out. Only one of those that wait for the next token looks when it is there.</summary>
    /// <returns>How long until then for the one whose turn it is, and whether it is somebody's turn.</returns>
    public (long? Wait, bool Somebody) Pay(int handedOut, bool waits)
    {
        if (_starts == 0)
            return (null, true);
        _level -= handedOut * _period;
        var takesTurn = waits && _level < _period && (_turn.Length == 0 || _turn == _call.Session);
        if (handedOut == 0 && !takesTurn && _turn != _call.Session)
            return (null, _turn.Length > 0);
        long? wait = takesTurn ? (_period - _level + _starts - 1) / _starts : null;
        if (wait is { } ms)
            (_turn, _until) = (_call.Session, _call.QueueTime + ms + TurnMs);
        else if (_turn == _call.Session)
            _turn = "";
        _call.Data.Rate = new StoredRate(_level, _call.QueueTime, _period, _turn, _until);
        return (wait, _turn.Length > 0);
    }
}

/// <summary>What is left of the rate limit, and whose turn it is to look for the next token.</summary>
internal sealed record StoredRate(long Level, long At, long Period, string Turn, long Until);
