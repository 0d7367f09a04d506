using Microsoft.Extensions.Logging;
using Resilient.Redis.Connections;
using Resilient.Redis.Diagnostics;
using Resilient.Redis.Options;

namespace Resilient.Redis.Resilience;

/// <summary>Looks at each connection ten times a second: finds those that are silent although replies are owed, and probes those that are down.</summary>
/// <remarks>
/// It counts replies, of which the driver's circuit breaker is not told when they come late. A connection is given up only
/// when a fresh one answers: where that is silent too, it is the server that is slow or away, and a reconnect would not help.
/// It has a thread of its own: it must know what is going on just when the thread pool is starved.
/// </remarks>
internal sealed class Watchdog(ConnectionPool pool, ConnectionProbe probe, ThreadPoolLag threads, ResolvedRedisOptions options, ILogger logger, TimeProvider time)
{
    private static readonly TimeSpan s_tick = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_openInterval = TimeSpan.FromMilliseconds(250);

    private readonly Dictionary<PooledConnection, ConnectionWatch> _watches = [];
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _complained;

    public void Start(CancellationToken stopping) =>
        new Thread(() => Run(stopping)) { IsBackground = true, Name = "Resilient.Redis watchdog" }.Start();

    /// <summary>Ends when the thread has, and what it began; the token of <see cref="Start"/> asks for it.</summary>
    public async Task EndAsync()
    {
        await _ended.Task.ConfigureAwait(false);
        await Task.WhenAll(_watches.Values.Select(watch => watch.Replacing)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private void Run(CancellationToken stopping)
    {
        var openedAt = time.GetTimestamp();
        while (!stopping.WaitHandle.WaitOne(s_tick))
        {
            try
            {
                threads.Measure();
                if (pool.First is null && pool.IsWanted && time.GetElapsedTime(openedAt) >= s_openInterval)
                {
                    openedAt = time.GetTimestamp();
                    _ = pool.OpenFirstAsync();      // the pool keeps the task, and awaits it when it closes
                }

                Look(stopping);
                _complained = false;
            }
            catch (Exception error)
            {
                Complain(error);
            }
        }

        _ended.SetResult();
    }

    private void Look(CancellationToken stopping)
    {
        foreach (var gone in _watches.Keys.Where(connection => connection.IsClosed).ToList())
        {
            if (_watches[gone].Replacing.IsCompleted)
                _watches.Remove(gone);
        }

        foreach (var connection in pool.Open)
        {
            if (!_watches.TryGetValue(connection, out var watch))
                _watches[connection] = watch = new ConnectionWatch(connection, pool, probe, threads, options, time);
            try
            {
                watch.Look(stopping);
            }
            catch (Exception error)
            {
                // The multiplexer may be of the application's own factory and throw anything; the other connections still need us.
                if (!connection.IsClosed)
                    Complain(error);
            }
        }
    }

    private void Complain(Exception error)
    {
        // Once, not ten times a second; a logger that throws must not end the thread, and with it the process.
        if (_complained)
            return;
        _complained = true;
        try
        {
            Log.WatchdogFailed(logger, error, options.Title);
        }
        catch (Exception)
        {
            // There is nobody left to tell.
        }
    }
}
