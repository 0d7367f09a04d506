namespace Resilient.Redis.Queue.Worker;

/// <summary>Deals the slots of one worker to the queues that it serves. Pure: it knows no job and calls no Redis.</summary>
/// <remarks>
/// Queues stand in ranks. Free slots go to the first rank in which a queue may have something ready; what runs already is left alone.
/// Within a rank each queue has its share of the slots, in proportion to its weight, and whose turn it is where shares are fractions
/// of a slot is counted in jobs. A queue that is known to be empty, or whose Redis does not answer, has no share until that changes.
/// </remarks>
internal sealed class SlotBudget
{
    private readonly SlotShare[] _shares;
    private readonly int _slots;
    private readonly int _prefetch;

    /// <param name="slots">How many jobs run at once.</param>
    /// <param name="prefetch">How many are claimed beyond that; zero where several queues are served.</param>
    /// <param name="weights">One for each queue: zero for a rank of its own below all before it, else beside the one before it.</param>
    public SlotBudget(int slots, int prefetch, params IReadOnlyList<int> weights)
    {
        (_slots, _prefetch, _shares) = (slots, prefetch, new SlotShare[weights.Count]);
        var rank = 0;
        for (var i = 0; i < _shares.Length; i++)
        {
            if (i > 0 && weights[i] == 0)
                rank++;
            _shares[i] = new SlotShare(this, rank, Math.Max(1, weights[i]));
        }
    }

    public IReadOnlyList<SlotShare> Shares => _shares;

    /// <summary>Guards this and all its shares; nothing is called while it is held.</summary>
    public Lock Gate { get; } = new();

    /// <summary>Whether one more job may run. What an overdue reply has brought too much waits.</summary>
    public bool HasFreeSlot
    {
        get
        {
            var running = 0;
            foreach (var share in _shares)
                running += share.Running;
            return running < _slots;
        }
    }

    /// <summary>How many jobs a queue may claim now.</summary>
    public int RoomOf(SlotShare asking)
    {
        var (free, rank) = (_slots + _prefetch, int.MaxValue);
        foreach (var share in _shares)
        {
            free -= share.Taken;
            if (share.IsReady && share.Rank < rank)
                rank = share.Rank;
        }

        return free <= 0 || !asking.IsReady || asking.Rank != rank ? 0 : Deal(free, asking);
    }

    /// <summary>Who else has something to do now: jobs that wait for a slot to run in, or room to claim into.</summary>
    public SlotShare[] OthersThan(SlotShare one) =>
        _shares.Length == 1 ? [] : [.. _shares.Where(share => share != one && (share.Waiting > 0 || (share.Asked == 0 && RoomOf(share) > 0)))];

    private int Deal(int free, SlotShare asking)
    {
        SlotShare[] ready = [.. _shares.Where(share => share.IsReady && share.Rank == asking.Rank)];
        if (ready.Length == 1)
            return free;

        var pool = free + ready.Sum(share => share.Taken);
        var weights = ready.Sum(share => share.Weight);
        var dealt = new int[ready.Length];
        for (; free > 0; free--)
        {
            // As long as a slot is free, somebody is below its share.
            var next = -1;
            for (var i = 0; i < ready.Length; i++)
            {
                if ((ready[i].Taken + dealt[i]) * (long)weights < (long)pool * ready[i].Weight && (next < 0 || Turn(i) < Turn(next)))
                    next = i;
            }

            dealt[next]++;
        }

        return dealt[Array.IndexOf(ready, asking)];

        double Turn(int i) => ready[i].Turn + (ready[i].Asked + dealt[i]) / (double)ready[i].Weight;
    }

    /// <summary>The turn of a queue that comes back: it has saved nothing up and owes nothing.</summary>
    public double TurnOfNewcomer(SlotShare newcomer)
    {
        var turn = double.MaxValue;
        foreach (var share in _shares)
        {
            if (share != newcomer && share.IsReady && share.Rank == newcomer.Rank)
                turn = Math.Min(turn, share.Turn);
        }

        return turn == double.MaxValue ? newcomer.Turn : turn;
    }
}
