using System.Text;
using Resilient.Redis.Queue.Storage;

namespace Resilient.Redis.Queue.Tests.Model;

/// <summary>Who and what the numbers of a sequence refer to.</summary>
internal sealed class Cast
{
    private readonly int[] _generation = new int[Sequence.Ids];
    private readonly HashSet<JobId> _ids = [];
    private int _born;

    public Cast() => Workers = [.. Enumerable.Range(0, Sequence.Sessions).Select(_ => Bear())];

    public Worker[] Workers { get; }

    /// <summary>Every id that was ever named.</summary>
    public IReadOnlyCollection<JobId> AllIds => _ids;

    /// <summary>Records were deleted or damaged by hand: the invariants hold no longer at each moment.</summary>
    public bool IsSpoilt { get; private set; }

    /// <summary>The job of that number.</summary>
    public JobId Id(int number)
    {
        var id = new JobId($"j{number}{new string('x', _generation[number])}");
        _ids.Add(id);
        return id;
    }

    public JobId FollowUpId(int number)
    {
        var id = new JobId($"f{number}");
        _ids.Add(id);
        return id;
    }

    public void Know(JobId id) => _ids.Add(id);

    /// <summary>After its record was deleted by hand an id is not used again: it may still be in a set, and would be there twice.</summary>
    public JobId Spoil(int number, bool delete)
    {
        var id = Id(number);
        IsSpoilt = true;
        if (delete)
            _generation[number]++;
        return id;
    }

    public static NewJob Job(JobId id, Arrival job) => new(
        id, "test", JobEnvelope.Write(Encoding.UTF8.GetBytes($"\"{id}\""), null), TimeSpan.FromMilliseconds(job.DelayMs), job.MaxAttempts,
        TimeSpan.Zero, TimeSpan.FromMilliseconds(job.KeepMs), job.Key == 0 ? "" : $"k{job.Key}", job.Key > 0 && job.ForTime ? TimeSpan.FromHours(1) : TimeSpan.Zero);

    /// <summary>A lease of the worker's, or of anybody's; the newest is 0. Null where there is none.</summary>
    public Lease? Pick(Worker worker, int pick, bool foreign, bool wrongToken)
    {
        Lease[] leases = [.. foreign ? Workers.SelectMany(other => other.Leases) : worker.Leases];
        if (leases.Length == 0)
            return null;
        var lease = leases[^(1 + pick % leases.Length)];
        return wrongToken ? lease with { Token = lease.Token + 1 } : lease;
    }

    public void Replace(int number) => Workers[number] = Bear();

    private Worker Bear() => new($"s{++_born}@w{_born % 2}");

    /// <summary>One session with one lane.</summary>
    internal sealed class Worker(string session)
    {
        public string Session => session;

        public WorkCall Last { get; set; } = new(0, 0, false, []);

        public List<Lease> Leases { get; } = [];
    }
}
