using System.Text;
using Resilient.Redis.Queue.Storage;

namespace Resilient.Redis.Queue.Testing.Memory;

/// <summary>What stands under a job's id: the job, the memory of a refusal, or something that cannot be read.</summary>
internal abstract class StoredRecord;

/// <summary>Not a job: written by hand, as a test does.</summary>
internal sealed class DamagedRecord(byte[] bytes) : StoredRecord
{
    public byte[] Bytes => bytes;
}

/// <summary>No job, and never in a set: what is remembered for repeats of an enqueue (rule R15).</summary>
/// <param name="expiresAt">By the clock of expiries.</param>
internal abstract class TraceRecord(long expiresAt) : StoredRecord
{
    public long ExpiresAt => expiresAt;
}

/// <summary>A call that was refused because another job holds its unique key.</summary>
internal sealed class RefusalRecord(string holder, long expiresAt) : TraceRecord(expiresAt)
{
    public string Holder => holder;
}

/// <summary>What is left of a job that an operator has removed.</summary>
internal sealed class RemovalRecord(long expiresAt) : TraceRecord(expiresAt);

/// <summary>A job; times in ms.</summary>
internal sealed class StoredJob : StoredRecord
{
    /// <summary>Stored for every live job: whether it waits, is scheduled or active follows from the set it is in.</summary>
    public const JobState Live = JobState.Waiting;

    private const int MostAttempts = 20;
    private const int MostErrorBytes = 500;

    public JobState State { get; set; } = Live;

    public required string Name { get; init; }

    public required ReadOnlyMemory<byte> Body { get; set; }

    public required long EnqueuedAt { get; init; }

    public required int MaxAttempts { get; init; }

    public required long KeepMs { get; init; }

    public required long TimeoutMs { get; init; }

    public int Attempt { get; set; }

    /// <summary>Deliveries that counted against it.</summary>
    public int Lapses { get; set; }

    /// <summary>Leases lost, started or not.</summary>
    public int Expiries { get; set; }

    public long Token { get; set; }

    /// <summary>Who held the lease that ended last; empty when it was lost.</summary>
    public string Session { get; set; } = "";

    /// <summary>Of a live job since when it is ready, or when it will be; 0 for since it was enqueued.</summary>
    public long EndedAt { get; set; }

    public string Error { get; set; } = "";

    public ReadOnlyMemory<byte> Result { get; set; }

    /// <summary>Deliveries that did not end well.</summary>
    public List<JobAttempt> History { get; } = [];

    /// <summary>The key that it holds until it has ended.</summary>
    public string UniqueKey { get; set; } = "";

    /// <summary>Adds to the history how a delivery ended. The label is what follows the @ of a session. As Scripts/_history.lua.</summary>
    public void Remember(int attempt, long now, string session, JobAttemptOutcome outcome, string error)
    {
        if (History.Count == MostAttempts)
            History.RemoveAt(0);
        var label = session[(session.IndexOf('@', StringComparison.Ordinal) + 1)..];
        var kept = Cut(error);
        History.Add(new JobAttempt(attempt, DateTimeOffset.FromUnixTimeMilliseconds(now), label.Length > 0 ? label : null, outcome, kept.Length > 0 ? kept : null));
    }

    /// <summary>The first bytes, but no part of a character.</summary>
    private static string Cut(string error)
    {
        var bytes = Encoding.UTF8.GetBytes(error);
        if (bytes.Length <= MostErrorBytes)
            return error;
        var cut = MostErrorBytes;
        while (cut > 0 && (bytes[cut] & 0xC0) == 0x80)
            cut--;
        return Encoding.UTF8.GetString(bytes, 0, cut);
    }
}

/// <summary>Who runs a job.</summary>
internal sealed class StoredLease
{
    public required string Session { get; init; }

    public required long Token { get; init; }

    public required long ClaimedAt { get; init; }

    public bool Started { get; set; }

    public string Progress { get; set; } = "";

    /// <summary>Why somebody wants it cancelled; empty for nobody.</summary>
    public string Cancel { get; set; } = "";
}

/// <summary>Who holds a unique key.</summary>
/// <param name="Id">The job.</param>
/// <param name="ExpiresAt">When it is free again, by the clock of expiries; null: when the job has ended.</param>
internal sealed record UniqueHolder(string Id, long? ExpiresAt);

/// <summary>What a lane was answered last (rule R12).</summary>
internal sealed record LastCall(long Sequence, IReadOnlyList<Lease> Handed, SettlementReply[] Settlements, long ExpiresAt);
