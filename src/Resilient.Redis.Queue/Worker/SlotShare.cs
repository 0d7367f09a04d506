namespace Resilient.Redis.Queue.Worker;

/// <summary>One queue's part in the slots of its worker. Its loop asks and tells here; another's end wakes it when there is room for it.</summary>
internal sealed class SlotShare(SlotBudget budget, int rank, int weight)
{
    /// <summary>How long the others wait for an answer before they go on without it.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(500);

    private Standing _standing = Standing.Away;
    private const int MostInOneCall = 1000; // a script that takes long holds up everybody; the next call follows at once

    private Action? _start;
    private Action? _wake;

    private enum Standing
    {
        /// <summary>Not started, or its Redis does not answer: nobody waits for it.</summary>
        Away,

        /// <summary>It has had room and left it: its bell or its next look will tell.</summary>
        Empty,

        /// <summary>It may have something ready: those below it wait for its answer.</summary>
        Ready,
    }

    public int Rank => rank;

    public int Weight => weight;

    public bool IsReady => _standing == Standing.Ready;

    /// <summary>Whether its last answer said that there is nothing more.</summary>
    public bool IsEmpty => _standing == Standing.Empty;

    /// <summary>How many jobs its calls under way may bring.</summary>
    public int Asked { get; private set; }

    /// <summary>Claimed, and not running yet.</summary>
    public int Waiting { get; private set; }

    public int Running { get; private set; }

    /// <summary>Jobs claimed so far, by weight: the least is next.</summary>
    public double Turn { get; private set; }

    /// <summary>What a call under way may bring is kept free for it, but not while its Redis does not answer.</summary>
    public int Taken => Waiting + Running + (_standing == Standing.Away ? 0 : Asked);

    public bool IsAlone => budget.Shares.Count == 1;

    /// <param name="start">Starts what waits for a slot. Called without locks, on any thread.</param>
    /// <param name="wake">Wakes the loop, which then claims.</param>
    public void Attach(Action start, Action wake)
    {
        lock (budget.Gate)
            (_start, _wake) = (start, wake);
    }

    /// <summary>A bell, a due time, or a job that ended: its next call is going to tell.</summary>
    public void MayHaveWork()
    {
        lock (budget.Gate)
        {
            if (_standing != Standing.Ready)
                Turn = budget.TurnOfNewcomer(this);
            _standing = Standing.Ready;
        }
    }

    /// <summary>How many jobs the next call may ask for; they are kept free until <see cref="Answered"/>.</summary>
    public int Take()
    {
        lock (budget.Gate)
        {
            var asked = Math.Min(budget.RoomOf(this), MostInOneCall);
            Asked += asked;
            return asked;
        }
    }

    /// <summary>What the call has brought.</summary>
    /// <param name="asked">For how many it asked.</param>
    /// <param name="claimed">How many jobs.</param>
    /// <param name="more">Whether another call at once pays.</param>
    public void Answered(int asked, int claimed, bool more)
    {
        lock (budget.Gate)
        {
            Waiting += claimed;
            Turn += claimed / (double)weight;
            _standing = claimed < asked && !more ? Standing.Empty : Standing.Ready;
            Asked -= asked;
        }

        NudgeOthers();
    }

    /// <summary>The call is late or has failed: the others go on without it. What it brings after all waits for a slot.</summary>
    public void NoAnswer()
    {
        lock (budget.Gate)
            _standing = Standing.Away;
        NudgeOthers();
    }

    /// <summary>The session is over.</summary>
    public void Leave()
    {
        lock (budget.Gate)
            (_standing, Asked) = (Standing.Away, 0);
        NudgeOthers();
    }

    /// <summary>Takes a slot for a job that waits.</summary>
    public bool TryStart()
    {
        lock (budget.Gate)
        {
            if (!budget.HasFreeSlot)
                return false;
            Waiting--;
            Running++;
            return true;
        }
    }

    /// <summary>A job that waited runs in the slot of one that has ended. Only where no other queue wants slots.</summary>
    public void Followed()
    {
        lock (budget.Gate)
            Waiting--;
    }

    /// <summary>A run has ended, and its slot is free.</summary>
    public void Ended(int runs = 1)
    {
        lock (budget.Gate)
            Running -= runs;
        NudgeOthers();
    }

    /// <summary>Jobs that waited will not run.</summary>
    public void Dropped(int jobs)
    {
        if (jobs == 0)
            return;
        lock (budget.Gate)
            Waiting -= jobs;
        NudgeOthers();
    }

    private void NudgeOthers()
    {
        SlotShare[] others;
        lock (budget.Gate)
            others = budget.OthersThan(this);
        foreach (var other in others)
        {
            other._start?.Invoke();
            other._wake?.Invoke();
        }
    }
}
