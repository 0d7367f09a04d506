using Resilient.Redis.Queue.Diagnostics;
using Resilient.Redis.Queue.Storage;

namespace Resilient.Redis.Queue.Worker;

/// <summary>Tells Redis that a suspect job is about to be started, before it is: if it kills this process, that counts against it (rule R17).</summary>
internal sealed class StartAnnouncer(JobStore store, WorkerSession session, QueueTelemetry telemetry, TimeProvider time, CancellationToken giveUp, CancellationToken stopping)
{
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(500);

    /// <summary>False when its lease is lost, which the job then says, or when the worker stops first.</summary>
    public async Task<bool> AnnounceAsync(RunningJob job)
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                var code = (await store.ExtendAsync(session.Id, [new Extension(job.Lease, Started: true)], giveUp).ConfigureAwait(false))[0];
                if (code == ReplyCode.Accepted)
                    return true;
                job.TryRequestStop(StopReason.LeaseLost);
                telemetry.LeaseLost(job.Job.Name);
                return false;
            }
            catch (Exception error) when (error is not OperationCanceledException and not ObjectDisposedException)
            {
                // The worker's loop tells of the outage; this job waits for its end.
                await Task.Delay(s_pause, time, CancellationToken.None).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                break;
            }
        }

        return false;
    }
}
