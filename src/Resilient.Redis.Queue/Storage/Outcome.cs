namespace Resilient.Redis.Queue.Storage;

/// <summary>How a run of a job ended.</summary>
internal abstract record Outcome
{
    private Outcome()
    {
    }

    /// <summary>The handler returned.</summary>
    internal sealed record Completed(ReadOnlyMemory<byte> Result, IReadOnlyList<FollowUp>? FollowUps = null) : Outcome
    {
        /// <summary>With no result and no follow-up, as most.</summary>
        private static readonly Completed s_done = new(default, []);

        public static Completed With(ReadOnlyMemory<byte> result, IReadOnlyList<FollowUp> followUps) =>
            result.IsEmpty && followUps.Count == 0 ? s_done : new(result, followUps);
    }

    /// <summary>The handler failed: spends an attempt; dead when it was the last.</summary>
    internal sealed record Failed(TimeSpan Delay, string Error) : Outcome;

    /// <summary>The handler asked to run later: spends nothing.</summary>
    internal sealed record PutOff(TimeSpan Delay, string Reason) : Outcome;

    /// <summary>This worker has no handler for it: spends a delivery, since a newer worker may have one.</summary>
    internal sealed record Unknown(TimeSpan Delay, string Error) : Outcome;

    /// <summary>Hopeless.</summary>
    internal sealed record Dead(string Reason) : Outcome;

    /// <summary>Handed back at shutdown or in doubt: spends nothing.</summary>
    internal sealed record Returned : Outcome
    {
        public static readonly Returned Instance = new();
    }
}
