using Microsoft.Extensions.Logging;
using Resilient.Redis.Connections;
using Resilient.Redis.Diagnostics;
using Resilient.Redis.Options;

namespace Resilient.Redis.Resilience;

/// <summary>Looks at each connection ten times a second: finds those that are silent although replies are owed, and probes those that are down.</summary>
/// <remarks>
/// It counts replies, of which the driver's circuit breaker is not told when they come late. A connection is given up only
/// when a fresh one answers: where that is silent too, it is the server that is slow or away, and a reconnect would not help.
/// </remarks>
internal sealed class Watchdog(ConnectionPool pool, ConnectionProbe probe, ResolvedRedisOptions options, ILogger logger, TimeProvider time)
{
    private static readonly TimeSpan s_tick = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_probeInterval = TimeSpan.FromMilliseconds(250);

    private readonly Dictionary<PooledConnection, Patient> _patients = [];

    /// <summary>When it last looked, as a timestamp: a health report says so when it starves.</summary>
    public long LookedAt { get; private set; } = time.GetTimestamp();

    public async Task RunAsync(CancellationToken stopping)
    {
        using var timer = new PeriodicTimer(s_tick, time);
        var openedAt = time.GetTimestamp();
        try
        {
            while (await timer.WaitForNextTickAsync(stopping).ConfigureAwait(false))
            {
                LookedAt = time.GetTimestamp();
                if (pool.First is null && pool.IsWanted && time.GetElapsedTime(openedAt) >= s_probeInterval)
                {
                    openedAt = LookedAt;
                    _ = pool.OpenFirstAsync();      // the pool keeps the task, and awaits it when it closes
                }

                Look(stopping);
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // Disposed.
        }

        await Task.WhenAll(_patients.Values.SelectMany(patient => (Task[])[patient.Asking, patient.Replacing])).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private void Look(CancellationToken stopping)
    {
        foreach (var gone in _patients.Keys.Where(connection => connection.IsClosed).ToList())
        {
            if (_patients[gone].IsIdle)
                _patients.Remove(gone);
        }

        foreach (var connection in pool.Open)
        {
            if (!_patients.TryGetValue(connection, out var patient))
                _patients[connection] = patient = new Patient(time.GetTimestamp());
            try
            {
                if (connection.IsUp)
                    Listen(connection, patient, stopping);
                else if (patient.IsIdle && time.GetElapsedTime(patient.AskedAt) >= s_probeInterval)
                    patient.Ask(time.GetTimestamp(), AskAsync(connection, patient, stopping));
            }
            catch (Exception error) when (error is not OutOfMemoryException)
            {
                // The multiplexer may be of the application's own factory and throw anything; the other connections still need us.
                Log.WatchdogFailed(logger, error, options.Title);
            }
        }
    }

    /// <summary>A working connection: does it still answer?</summary>
    private void Listen(PooledConnection connection, Patient patient, CancellationToken stopping)
    {
        // Twice in a row: the driver's own event comes first and brings the cause.
        patient.Disconnected = connection.Multiplexer.IsConnected ? 0 : patient.Disconnected + 1;
        if (patient.Disconnected >= 2)
        {
            pool.SetDown(connection, "the driver reports it as disconnected", null, LossSeenBy.Watchdog);
            return;
        }

        var counters = connection.Multiplexer.GetCounters().Interactive;
        var owed = counters.SentItemsAwaitingResponse;
        var replies = counters.OperationCount - owed;
        if (owed == 0 || replies != patient.Replies)
        {
            patient.Replies = replies;
            patient.HeardAt = time.GetTimestamp();
        }
        else if (time.GetElapsedTime(patient.HeardAt) >= options.AttemptTimeout && !connection.Sockets.ReceivedWithin(options.AttemptTimeout))
        {
            pool.SetDown(connection, $"{owed} replies are owed and none came for {OptionsCheck.Text(options.AttemptTimeout)}", null, LossSeenBy.Watchdog);
            if (patient.Replacing.IsCompleted)
                patient.Replacing = ReplaceIfFreshOneAnswersAsync(connection, replies, stopping);
            return;
        }

        // Keeps the latency that health reports, and makes an idle connection owe us a reply.
        if (patient.IsIdle && (connection.Latency is null || time.GetElapsedTime(patient.AskedAt) >= options.KeepAliveInterval))
            patient.Ask(time.GetTimestamp(), probe.AskAsync(connection, stopping));
    }

    /// <summary>A connection that is down: is it back?</summary>
    private async Task AskAsync(PooledConnection connection, Patient patient, CancellationToken stopping)
    {
        if (!connection.Multiplexer.IsConnected)
            return;
        switch (await probe.AskAsync(connection, stopping).ConfigureAwait(false))
        {
            case Answer.Yes:
                patient.HeardAt = time.GetTimestamp();
                pool.SetUp(connection);
                break;
            case Answer.None:
                await ReplaceIfFreshOneAnswersAsync(connection, Replies(connection), stopping).ConfigureAwait(false);
                break;
        }
    }

    private async Task ReplaceIfFreshOneAnswersAsync(PooledConnection connection, long replies, CancellationToken stopping)
    {
        if (await probe.FreshOneAnswersAsync(stopping).ConfigureAwait(false) && Replies(connection) == replies)
            await pool.DropAsync(connection, "it is dead, a fresh one answers").ConfigureAwait(false);
    }

    private static long Replies(PooledConnection connection)
    {
        var counters = connection.Multiplexer.GetCounters().Interactive;
        return counters.OperationCount - counters.SentItemsAwaitingResponse;
    }

    /// <summary>What the watchdog remembers of a connection. Only its loop writes it, except <see cref="HeardAt"/>.</summary>
    private sealed class Patient(long now)
    {
        public long Replies { get; set; }

        public long HeardAt { get; set; } = now;

        public long AskedAt { get; private set; } = now;

        public int Disconnected { get; set; }

        public Task Asking { get; private set; } = Task.CompletedTask;

        public Task Replacing { get; set; } = Task.CompletedTask;

        public bool IsIdle => Asking.IsCompleted && Replacing.IsCompleted;

        public void Ask(long at, Task asking)
        {
            AskedAt = at;
            Asking = asking;
        }
    }
}
