using Microsoft.Extensions.Logging;
using Resilient.Redis.Queue.Diagnostics;
using Resilient.Redis.Queue.Storage;

namespace Resilient.Redis.Queue.Worker;

/// <summary>Tells, once and by name, of settings of the server that lose jobs, and for health whether they are still there. One a connection, for all its workers.</summary>
/// <remarks>Beside the workers' loops: it never delays a start and never fails one.</remarks>
internal sealed class DangerWatch(TimeProvider time)
{
    public static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan s_afterError = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private volatile IReadOnlyList<ServerDanger> _found = [];
    private long _lookedAt = long.MinValue;
    private bool _refusalTold;

    /// <summary>As of the last look.</summary>
    public IReadOnlyList<ServerDanger> Found => _found;

    /// <summary>Until the worker's session ends; throws nothing.</summary>
    public async Task RunAsync(string queue, WorkerLine line, ILogger logger, CancellationToken cancellationToken)
    {
        var signal = new AsyncSignal(time);
        while (!cancellationToken.IsCancellationRequested)
        {
            var pause = Interval;
            try
            {
                if (IsDue())
                    await LookAsync(queue, line, logger, cancellationToken).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                LookAgain();
                return;
            }
            catch (Exception error) // Whatever it is: nothing is known, so nothing is said, and it looks again soon.
            {
                Log.SettingsNotRead(logger, queue, error.Message);
                pause = s_afterError;
                LookAgain();
            }

            await signal.WaitAsync(pause, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>One look. Internal for tests, which do not wait for the next.</summary>
    internal async Task LookAsync(string queue, WorkerLine line, ILogger logger, CancellationToken cancellationToken)
    {
        var settings = await line.ReadSettingsAsync(cancellationToken).ConfigureAwait(false);
        var (before, now) = (_found, ServerDanger.In(settings));
        _found = now;
        foreach (var danger in now.Except(before))
            Log.DangerousSetting(logger, queue, danger.Setting, danger.Consequence, danger.Remedy);
        foreach (var danger in before.Except(now))
            Log.DangerGone(logger, queue, danger.Setting);
        if (settings.Refused.Count > 0 && !_refusalTold)
            Log.SettingsNotRead(logger, queue, string.Join("; ", settings.Refused));
        _refusalTold = settings.Refused.Count > 0;
    }

    /// <summary>Several workers of a connection ask; one of them looks.</summary>
    private bool IsDue()
    {
        lock (_gate)
        {
            if (_lookedAt != long.MinValue && time.GetElapsedTime(_lookedAt) < Interval * 0.9)
                return false;
            _lookedAt = time.GetTimestamp();
            return true;
        }
    }

    private void LookAgain()
    {
        lock (_gate)
            _lookedAt = long.MinValue;
    }
}
