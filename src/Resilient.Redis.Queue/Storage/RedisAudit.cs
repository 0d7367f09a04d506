using StackExchange.Redis;

namespace Resilient.Redis.Queue.Storage;

/// <summary>One audit of a queue in Redis: reads its keys in pages, and lets Scripts/audit.lua and reconcile.lua decide and mend, a page in one atomic step.</summary>
/// <remarks>
/// The lines come first, from their ends: a page of a line is read by the script that examines it, so what it says of a job in line is so. After that a job that
/// is live and in no set is in line if it was seen there; if it was not, it came later, and the lines are read once more; what is not there either is searched for.
/// </remarks>
internal sealed class RedisAudit(IResilientRedis redis, QueueKeys keys, RedisScripts scripts, bool repair)
{
    private const int Page = 250;
    private const int Searches = 4; // each of up to 40,000 places

    private readonly RedisScanner _scanner = new(redis, keys.Root);
    private readonly Dictionary<string, AuditFinding> _findings = [];
    private readonly HashSet<string> _inLine = [];
    private readonly HashSet<string> _suspicions = [];
    private long _excess;
    private long _jobs;

    public async ValueTask<AuditReport> RunAsync(CancellationToken cancellationToken)
    {
        await ReadLinesAsync(cancellationToken).ConfigureAwait(false);
        foreach (var set in (RedisKey[])[keys.Scheduled, keys.Active, keys.Dead, keys.Done])
            await ExamineAsync(_scanner.SortedSetAsync(set, cancellationToken), cancellationToken).ConfigureAwait(false);
        await ExamineAsync(_scanner.HashAsync(keys.Leases, cancellationToken), cancellationToken).ConfigureAwait(false);
        await ExamineAsync(RecordsAsync(cancellationToken), cancellationToken).ConfigureAwait(false);
        await VerifySuspicionsAsync(cancellationToken).ConfigureAwait(false);

        await ReconcileAsync("unique", AuditFindingKind.UniqueKeyStale, Page, UniqueKeysAsync(cancellationToken), cancellationToken).ConfigureAwait(false);
        await ReconcileAsync("outbox", AuditFindingKind.OutboxUnreadable, Page, _scanner.HashAsync(keys.Outbox, cancellationToken), cancellationToken).ConfigureAwait(false);
        var passedOver = _scanner.SetAsync(keys.Skip, cancellationToken).Where(id => !_inLine.Contains(id));
        await ReconcileAsync("skip", AuditFindingKind.PassedOverInVain, Searches, passedOver, cancellationToken).ConfigureAwait(false);
        await ReconcileSumAsync(cancellationToken).ConfigureAwait(false);
        return new AuditReport { Jobs = _jobs, Findings = [.. _findings.Values] };
    }

    private async ValueTask ReadLinesAsync(CancellationToken cancellationToken)
    {
        var (seen, twice) = (new HashSet<string>(), new HashSet<string>());
        foreach (var line in (string[])["waiting", "suspect"])
        {
            for (var from = 0L; ;)
            {
                var ids = await CallAsync(line, from, "", [], cancellationToken).ConfigureAwait(false);
                twice.UnionWith(ids.Where(id => !seen.Add(id)));
                if (ids.Length == 0)
                    break;
                from += ids.Length;
            }
        }

        _inLine.UnionWith(seen);
        // Twice perhaps only since the line has moved.
        foreach (var part in twice.Chunk(Searches))
            await CallAsync("", 0, "twice", part, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask ExamineAsync(IAsyncEnumerable<string> ids, CancellationToken cancellationToken)
    {
        await foreach (var part in ids.Chunk(Page).WithCancellation(cancellationToken).ConfigureAwait(false))
            await CallAsync("", 0, "", part, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask VerifySuspicionsAsync(CancellationToken cancellationToken)
    {
        _suspicions.ExceptWith(_inLine);
        if (_suspicions.Count == 0)
            return;
        await ReadLinesAsync(cancellationToken).ConfigureAwait(false);
        _suspicions.ExceptWith(_inLine);
        foreach (var part in _suspicions.ToArray().Chunk(Searches))
            await CallAsync("", 0, "lost", part, cancellationToken).ConfigureAwait(false);
    }

    /// <returns>The ids of the page of the line.</returns>
    private async ValueTask<string[]> CallAsync(string line, long from, string search, string[] ids, CancellationToken cancellationToken)
    {
        RedisKey[] called = [.. keys.Worker, .. ids.Select(id => keys.Job(JobId.Stored(id)))];
        RedisValue[] arguments = [repair, line, from, Page, search, .. ids.Select(id => (RedisValue)id)];
        var reply = (RedisResult[])(await RunAsync(scripts.Audit, called, arguments, cancellationToken).ConfigureAwait(false))!;
        foreach (var finding in reply[1..])
            Add((string)finding[0]!, (AuditFindingKind)(int)finding[1], (long)finding[2]);
        return (string[])reply[0]!;
    }

    private void Add(string id, AuditFindingKind kind, long excess)
    {
        if (kind == 0)
            _suspicions.Add(id);
        else if (_findings.TryAdd(id, new AuditFinding { Kind = kind, Subject = id, Repaired = repair }) && !repair)
            _excess += excess;
    }

    private async ValueTask ReconcileAsync(string what, AuditFindingKind kind, int page, IAsyncEnumerable<string> subjects, CancellationToken cancellationToken)
    {
        await foreach (var part in subjects.Chunk(page).WithCancellation(cancellationToken).ConfigureAwait(false))
        {
            RedisKey[] called = [.. keys.Worker, keys.Outbox, keys.UnreadableOutbox, .. what == "unique" ? part.Select(keys.Unique) : []];
            var wrong = (string[])(await RunAsync(scripts.Reconcile, called, [repair, what, .. part.Select(subject => (RedisValue)subject)], cancellationToken).ConfigureAwait(false))!;
            foreach (var subject in wrong)
                _findings[$"{what} {subject}"] = new AuditFinding { Kind = kind, Subject = subject, Repaired = repair };
            if (kind == AuditFindingKind.PassedOverInVain && !repair)
                _excess -= wrong.Length;
        }
    }

    private async ValueTask ReconcileSumAsync(CancellationToken cancellationToken)
    {
        RedisKey[] called = [.. keys.Worker, keys.Outbox, keys.UnreadableOutbox];
        var reply = (RedisResult[])(await RunAsync(scripts.Reconcile, called, [repair, "sum", _excess], cancellationToken).ConfigureAwait(false))!;
        if ((long)reply[0] is not 0 and var surplus)
            _findings[""] = new AuditFinding { Kind = AuditFindingKind.CountsDiffer, Subject = "", Difference = surplus, Repaired = repair };
    }

    private IAsyncEnumerable<string> RecordsAsync(CancellationToken cancellationToken) => _scanner.KeysAsync("j:", cancellationToken).Select(id =>
    {
        _jobs++;
        return id;
    });

    private IAsyncEnumerable<string> UniqueKeysAsync(CancellationToken cancellationToken) => _scanner.KeysAsync("unique:", cancellationToken);

    /// <summary>A repeat after a lost reply finds nothing wrong any more where the first has mended it: what is reported is at least what is still so.</summary>
    private ValueTask<RedisResult> RunAsync(RedisScript script, RedisKey[] called, RedisValue[] arguments, CancellationToken cancellationToken) => redis.ExecuteAsync(
        static (database, call) => call.script.RunAsync(database, call.called, call.arguments), (script, called, arguments), RetrySafety.Idempotent, cancellationToken);
}
