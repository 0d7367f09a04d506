using Microsoft.Extensions.Logging;
using Resilient.Redis.Queue.Diagnostics;
using Resilient.Redis.Queue.Producing;
using Resilient.Redis.Queue.Storage;

namespace Resilient.Redis.Queue.Recurring;

/// <summary>Makes the jobs of this queue's recurring jobs, beside all other processes that do: Redis lets each tick make one job (rule R20).</summary>
/// <remarks>All its times are Redis's. It registers what it has at its start, and later only what Redis has lost or nobody else has.</remarks>
internal sealed class RecurringScheduler(JobStore store, IReadOnlyList<RecurringEntry> entries, TimeProvider time, ILogger logger)
{
    /// <summary>Another definition of the same name that was not seen for so long is in no process any more (ABANDONED_MS in Scripts/_recurring.lua).</summary>
    public static readonly TimeSpan AbandonedAfter = TimeSpan.FromMinutes(2);

    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan s_pauseAfterError = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan s_pauseAfterRefusal = TimeSpan.FromSeconds(5);

    private readonly ServerClock _clock = new(store, time);
    private long _lookedAt = long.MinValue;
    private bool _failing;

    /// <summary>Until the host stops; throws nothing.</summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                var pause = await RoundAsync(stopping).ConfigureAwait(false);
                if (_failing)
                    Log.RecurringGoesOn(logger, store.Queue);
                _failing = false;
                await Task.Delay(pause, time, stopping).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error) // A tick that could not be dealt with stays due: whatever the error is, the next round tries again.
            {
                if (!_failing)
                    Log.RecurringWaits(logger, store.Queue, error.Message);
                _failing = true;
                await PauseAsync(error is RedisRefusedException ? s_pauseAfterRefusal : s_pauseAfterError, stopping).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Deals with all that is due, once; returns how long nothing will be.</summary>
    internal async Task<TimeSpan> RoundAsync(CancellationToken stopping)
    {
        if (_lookedAt == long.MinValue || time.GetElapsedTime(_lookedAt) >= s_look)
        {
            await AdvanceAsync([.. entries.Where(entry => !entry.IsStarting)], now: 0, stopping).ConfigureAwait(false);
            _lookedAt = time.GetTimestamp();
        }

        var now = await _clock.NowAsync(stopping).ConfigureAwait(false);
        foreach (var entry in entries.Where(entry => entry.MayRegister(now)))
            await RegisterAsync(entry, now, stopping).ConfigureAwait(false);

        RecurringEntry[] due = [.. entries.Where(entry => entry.IsDue(now))];
        if (due.Length > 0)
            await AdvanceAsync(due, now, stopping).ConfigureAwait(false);
        return await UntilNextAsync(stopping).ConfigureAwait(false);
    }

    private async Task RegisterAsync(RecurringEntry entry, long now, CancellationToken stopping)
    {
        var (serverTime, reply) = await store.ScheduleAsync(entry.First(now), entry.Job, entry.IsStarting, stopping).ConfigureAwait(false);
        _clock.Observe(serverTime);
        entry.IsStarting = false;
        if (Use(entry, reply))
            Log.RecurringScheduled(logger, store.Queue, entry.Name, entry.Schedule.Cron, entry.Schedule.Zone, DateTimeOffset.FromUnixTimeMilliseconds(reply.At));
    }

    /// <param name="asked">What to ask about; with none it is Redis's time that is asked for.</param>
    /// <param name="now">Server time in ms; 0 to ask only.</param>
    /// <param name="stopping">Stops waiting.</param>
    private async Task AdvanceAsync(RecurringEntry[] asked, long now, CancellationToken stopping)
    {
        TickPlan?[] plans = [.. asked.Select(entry => entry.Plan(now))];
        Tick[] ticks = [.. asked.Zip(plans, (entry, plan) => entry.TickOf(plan))];
        var (serverTime, replies) = await store.AdvanceAsync(ticks, stopping).ConfigureAwait(false);
        _clock.Observe(serverTime);
        for (var i = 0; i < asked.Length; i++)
        {
            if (replies[i].Code == ReplyCode.Accepted && plans[i] is { } plan)
                Report(ticks[i], plan, replies[i]);
            Use(asked[i], replies[i]);
        }
    }

    /// <summary>Whether this process's definition is the one that counts.</summary>
    private bool Use(RecurringEntry entry, TickReply reply)
    {
        var before = entry.Standing;
        entry.Answered(reply);
        if (entry.Standing == before)
            return entry.Standing == ReplyCode.Accepted;
        if (entry.Standing == ReplyCode.Lost)
            Log.RecurringSuperseded(logger, store.Queue, entry.Name, entry.Schedule.Cron, entry.Schedule.Zone);
        else if (entry.Standing == ReplyCode.Ended)
            Log.RecurringRemoved(logger, store.Queue, entry.Name);
        return entry.Standing == ReplyCode.Accepted;
    }

    private void Report(Tick tick, TickPlan plan, TickReply reply)
    {
        var due = DateTimeOffset.FromUnixTimeMilliseconds(tick.Due);
        if (plan.IsMissed)
            Log.RecurringMissed(logger, store.Queue, tick.Name, due, plan.Run ? "its job is made now" : "it is left out", DateTimeOffset.FromUnixTimeMilliseconds(plan.Next));
        else if (reply.Made == ReplyCode.Duplicate)
            Log.RecurringDuplicate(logger, store.Queue, tick.Name, due);
    }

    /// <summary>No longer than until the next look: Redis's clock may be stepped, and operators act.</summary>
    private async Task<TimeSpan> UntilNextAsync(CancellationToken stopping)
    {
        var longest = s_look - time.GetElapsedTime(_lookedAt);
        if (longest <= TimeSpan.Zero)
            return TimeSpan.Zero;
        var now = await _clock.NowAsync(stopping).ConfigureAwait(false);
        var next = entries.Min(entry => entry.WakeAt) - now;
        return next < longest.TotalMilliseconds ? TimeSpan.FromMilliseconds(Math.Max(0, next)) : longest;
    }

    private async Task PauseAsync(TimeSpan pause, CancellationToken stopping) =>
        await Task.Delay(pause, time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
}
