using Resilient.Redis.Queue.Storage;
using Resilient.Redis.Queue.Testing.Memory;
using Resilient.Redis.TestKit;
using StackExchange.Redis;

namespace Resilient.Redis.Queue.Tests.Model;

/// <summary>Runs a sequence on Redis and in memory, step by step, and says where they part: in a reply, in the whole state after, or in a promise that both break.</summary>
internal sealed class Lockstep
{
    private const long Start = 1_000_000_000;
    private const int StepsToALook = 4;

    private readonly TestQueue _redis;
    private readonly InMemoryJobStore _memory;
    private readonly StateDump _dump;
    private readonly Sequence _sequence;
    private readonly Cast _cast = new();
    private readonly List<string> _story = [];
    private readonly HashSet<Lease> _settled = [];
    private readonly Dictionary<JobId, long> _tokens = [];
    private readonly Dictionary<Lease, ClaimedJob> _claimed = []; // as Redis told them, whose records nobody has damaged since

    private Lockstep(TestQueue redis, Sequence sequence)
    {
        _redis = redis;
        _sequence = sequence;
        // Only the server's clock moves: what Redis lets go by itself goes when a step says so.
        _memory = new InMemoryJobStore("q", sequence.Options, () => redis.Now * 1000, () => 0);
        _dump = new StateDump(redis, _memory);
    }

    /// <summary>Null when the two agree to the end; else the story so far, and how it ended.</summary>
    public static async Task<string?> RunAsync(IConnectionMultiplexer connection, Sequence sequence)
    {
        var redis = await TestQueue.AtAsync(Start, connection, sequence.Options);
        var run = new Lockstep(redis, sequence);
        try
        {
            await run.RunAsync();
            return null;
        }
        catch (Exception error) when (error is Disagreement or RedisServerException or Xunit.Sdk.XunitException or InvalidOperationException or ArgumentException)
        {
            return $"{string.Join('\n', run._story)}\n  => {error.Message}";
        }
    }

    private async Task RunAsync()
    {
        for (var i = 0; i < _sequence.Steps.Count; i++)
        {
            await TakeAsync(_sequence.Steps[i]);
            if (i % StepsToALook == StepsToALook - 1 || i == _sequence.Steps.Count - 1)
                await _dump.CompareAsync(_cast.AllIds, _cast.IsSpoilt);
        }
    }

    private Task TakeAsync(Step step) => step switch
    {
        Step.Enqueue enqueue => EnqueueAsync(enqueue),
        Step.Work work => WorkAsync(work),
        Step.Again again => RepeatAsync(again),
        Step.Extend extend => ExtendAsync(extend),
        Step.Cancel { Id: var id } => AskAsync($"cancel {_cast.Id(id)}", store => store.CancelAsync(_cast.Id(id), "not wanted", default), Say.Of),
        Step.Requeue { Id: var id } => AskAsync($"requeue {_cast.Id(id)}", store => store.RequeueAsync(_cast.Id(id), default), Say.Of),
        Step.Remove { Id: var id } => AskAsync($"remove {_cast.Id(id)}", store => store.RemoveAsync(_cast.Id(id), default), Say.Of),
        Step.Pause { On: var on } => AskAsync(on ? "pause" : "resume", store => store.PauseAsync(on, default), Say.Of),
        Step.Drain => AskAsync("drain", store => store.DrainAsync(default), Say.Of),
        Step.Page page => PageAsync(page),
        Step.Pass { Ms: var ms } => PassAsync(ms),
        Step.Lapse lapse => LapseAsync(lapse),
        Step.Spoil spoil => SpoilAsync(spoil),
        Step.Vanish { Session: var session } => VanishAsync(session),
        Step.Deliver => DeliverAsync(),
        Step.Expire => _dump.ExpireAsync(Tell),
        Step.Look { Id: var id } => LookAsync(id),
        Step.Schedule schedule => ScheduleAsync(schedule),
        Step.Tick tick => TickAsync(tick),
        Step.Trigger { Name: var name, Id: var id } => AskAsync($"trigger r{name} as {_cast.Id(id)}", store => store.TriggerAsync($"r{name}", _cast.Id(id), default), Say.Of),
        Step.Unschedule { Name: var name } => AskAsync($"unschedule r{name}", store => store.UnscheduleAsync($"r{name}", default), Say.Of),
        _ => throw new InvalidOperationException($"What is {step}?"),
    };

    private async Task EnqueueAsync(Step.Enqueue step)
    {
        NewJob[] jobs = [.. step.Jobs.Select(job => Cast.Job(_cast.Id(job.Id), job))];
        var notAfter = _redis.Now + (step.Late ? -1 : 10_000);
        await AskAsync($"enqueue{(step.Late ? ", too late," : "")} {string.Join("; ", jobs.Select(Say.Of))}", store => store.EnqueueAsync(jobs, notAfter, default), Say.Of);
    }

    private async Task WorkAsync(Step.Work step)
    {
        var worker = _cast.Workers[step.Session];
        var settlements = new List<Settlement>();
        foreach (var ended in step.Ended)
        {
            if (_cast.Pick(worker, ended.Pick, ended.Foreign, ended.WrongToken) is not { } lease)
                continue;
            FollowUp[] followUps = [.. ended.FollowUps.Select(job => new FollowUp(Cast.Job(_cast.FollowUpId(job.Id), job), ended.Abroad ? "abroad" : ""))];
            var outcome = Sequence.OutcomeOf(ended, followUps);
            settlements.Add(_claimed.TryGetValue(lease, out var job) ? new Settlement(job, outcome, ended.Started) : new Settlement(lease, outcome, ended.Started));
        }

        worker.Last = new WorkCall(worker.Last.Sequence + 1 + step.Gap, step.Want, step.Alone, settlements);
        var accepted = _memory.Read(data => data.Stat("accepted"));
        var reply = await CallAsync(worker, worker.Last);
        Judge(settlements, reply, _memory.Read(data => data.Stat("accepted")) - accepted);
        worker.Leases.AddRange(reply.Jobs.Select(job => job.Lease));
        foreach (var job in reply.Jobs)
            _claimed[job.Lease] = job;
    }

    private async Task RepeatAsync(Step.Again step)
    {
        var worker = _cast.Workers[step.Session];
        if (worker.Last.Sequence > 0)
            await CallAsync(worker, step.Older ? worker.Last with { Sequence = worker.Last.Sequence - 1 } : worker.Last);
    }

    private Task<WorkReply> CallAsync(Cast.Worker worker, WorkCall call) =>
        AskAsync($"{worker.Session} {Say.Of(call)}", store => store.WorkAsync(worker.Session, 0, call, default), Say.Of);

    /// <summary>What both might get wrong in the same way: a lease is settled once, follow-ups come with an accepted completion, and tokens grow.</summary>
    private void Judge(List<Settlement> settlements, WorkReply reply, long born)
    {
        var followUps = 0;
        foreach (var (settlement, answer) in settlements.Zip(reply.Settlements))
        {
            if (answer.Code != ReplyCode.Accepted)
                continue;
            followUps += (settlement.Outcome as Outcome.Completed)?.FollowUps?.Count(followUp => followUp.Queue.Length == 0) ?? 0;
            if (!_settled.Add(settlement.Lease))
                throw new Disagreement($"Lease {Say.Of(settlement.Lease)} was settled twice.");
        }

        if (born > followUps)
            throw new Disagreement($"{born} follow-ups were made, and completions that were accepted had {followUps}.");

        foreach (var job in reply.Jobs)
        {
            if (job.Lease.Token <= _tokens.GetValueOrDefault(job.Lease.Id))
                throw new Disagreement($"The token of {job.Lease.Id} did not grow.");
            _tokens[job.Lease.Id] = job.Lease.Token;
        }
    }

    private async Task ExtendAsync(Step.Extend step)
    {
        var worker = _cast.Workers[step.Session];
        var extensions = new List<Extension>();
        foreach (var kept in step.Leases)
        {
            if (_cast.Pick(worker, kept.Pick, kept.Foreign, kept.WrongToken) is { } lease)
                extensions.Add(new Extension(lease, kept.Started, kept.Progress == 0 ? "" : $"0.{kept.Progress}"));
        }

        await AskAsync($"{worker.Session} extends {string.Join(", ", extensions.Select(Say.Of))}", store => store.ExtendAsync(worker.Session, extensions, default), Say.Of);
    }

    private async Task PageAsync(Step.Page step)
    {
        await AskAsync($"tally {step.State}", store => store.TallyAsync(step.State, step.From, 5, default), tally => $"{tally}");
        await AskAsync($"list {step.State} from {step.From}", store => store.ListAsync(step.State, step.From, 5, System.Text.Json.JsonSerializerOptions.Web, default), Say.Of);
        if (!step.Purge || step.State == JobState.Active)
            return;
        long? expected = step.State is JobState.Completed or JobState.Cancelled ? null : step.Off + _memory.Read(data => step.State switch
        {
            JobState.Waiting => data.Waiting.Count + data.Suspect.Count,
            JobState.Scheduled => data.Scheduled.Count,
            _ => data.Dead.Count,
        });
        await AskAsync($"purge {step.State} if they are {expected}", store => store.PurgeAsync(step.State, expected, step.From, 5, null, default), reply => $"{reply}");
    }

    private async Task PassAsync(long ms)
    {
        Tell($"{ms} ms pass");
        await _redis.MoveToAsync(Math.Max(Start / 2, _redis.Now + ms));
    }

    private async Task LapseAsync(Step.Lapse step)
    {
        for (var i = 0; i < step.Looks; i++)
        {
            await PassAsync(2400);
            var worker = _cast.Workers[step.Session];
            worker.Last = new WorkCall(worker.Last.Sequence + 1, 0, false, []);
            await CallAsync(worker, worker.Last);
        }
    }

    private async Task SpoilAsync(Step.Spoil step)
    {
        var id = _cast.Spoil(step.Id, step.Delete);
        Tell($"{(step.Delete ? "delete" : "damage")} the record of {id}");
        if (step.Delete)
            await _redis.DeleteRecordAsync(id.Value);
        else
            await _redis.DamageAsync(id.Value);
        // A damaged record that need not be read is replaced by the completion; that the memory, which has no such way, buries it, is no disagreement.
        foreach (var lease in _claimed.Keys.Where(lease => lease.Id == id).ToList())
            _claimed.Remove(lease);
        _memory.Read(data => step.Delete ? data.Records.Remove(id.Value) : (data.Records[id.Value] = new DamagedRecord("damaged"u8.ToArray())) is not null);
    }

    private Task VanishAsync(int session)
    {
        Tell($"{_cast.Workers[session].Session} dies");
        _cast.Replace(session);
        return Task.CompletedTask;
    }

    private async Task DeliverAsync()
    {
        var waiting = await AskAsync("read the outbox", store => store.ReadOutboxAsync(default), Say.Of);
        if (waiting.Length > 0)
            await AskAsync("the first was delivered", async store => { await store.RemoveFromOutboxAsync([waiting.MinBy(entry => entry.Job.Id.Value)!.Job.Id], default); return true; }, done => $"{done}");
    }

    private async Task LookAsync(int id)
    {
        var listener = id % 3 == 0 ? "" : $"l{id % 3}";
        await AskAsync($"look at {_cast.Id(id)}{(listener.Length > 0 ? $" and wait as {listener}" : "")}", store => store.InspectAsync(_cast.Id(id), System.Text.Json.JsonSerializerOptions.Web, listener, default), Say.Of);
        await AskAsync("count", store => store.CountAsync(default), counts => $"{counts}");
        await AskAsync("list the dead", store => store.GetDeadAsync(0, 3, newestFirst: id % 2 == 0, default), Say.Of);
    }

    private async Task ScheduleAsync(Step.Schedule step)
    {
        var tick = new Tick($"r{step.Name}", $"cron{step.Cron}", "UTC", _redis.Now + step.InMs);
        var job = Cast.Job(default, step.Job);
        await AskAsync($"schedule {tick.Name} as {tick.Cron}{(step.Starting ? " at the start" : "")}, first at {tick.Due}, {Say.Of(job)}", store => store.ScheduleAsync(tick, job, step.Starting, default), Say.Of);
    }

    private async Task TickAsync(Step.Tick step)
    {
        var name = $"r{step.Name}";
        var due = _memory.Read(data => data.Ticks.GetValueOrDefault(name)?.Due ?? _redis.Now) - (step.Wrong ? 1 : 0);
        var tick = new Tick(name, $"cron{step.Cron}", "UTC", due, due + 5000, step.Run);
        _cast.Know(tick.JobId);
        await AskAsync($"tick {name} {tick.Cron} at {due}{(step.Run ? "" : ", left out")}", store => store.AdvanceAsync([tick], default), Say.Of);
        await AskAsync("list what recurs", store => store.GetRecurringAsync(default), Say.Of);
    }

    /// <summary>The same question to both; the answers must be the same.</summary>
    private async Task<T> AskAsync<T>(string question, Func<JobStore, ValueTask<T>> ask, Func<T, string> say)
    {
        Tell(question);
        var redis = await ask(_redis.Store);
        var memory = await ask(_memory);
        _story[^1] += $" -> {say(redis)}";
        return say(redis) == say(memory) ? redis : throw new Disagreement($"Redis said   {say(redis)}\n     memory said  {say(memory)}");
    }

    private void Tell(string line) => _story.Add($"  {_story.Count + 1}. {line}");
}

/// <summary>The two part, or both break a promise.</summary>
internal sealed class Disagreement(string message) : Exception(message);
