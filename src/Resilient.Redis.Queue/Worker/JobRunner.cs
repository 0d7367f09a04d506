using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Resilient.Redis.Queue.Diagnostics;
using Resilient.Redis.Queue.Storage;

namespace Resilient.Redis.Queue.Worker;

/// <summary>Runs one job: its scope, its handler, its outcome. Catches everything.</summary>
internal sealed class JobRunner(
    IServiceScopeFactory scopes, HandlerTable handlers, JobSerializer serializer, JobQueueOptions options, QueueTelemetry telemetry, ILogger logger)
{
    /// <summary>How the run ended; null when there is nobody to tell, because the lease was lost.</summary>
    public async ValueTask<Outcome?> RunAsync(RunningJob job)
    {
        if (handlers.Find(job.Job.Name) is not { } handler)
            return new Outcome.Unknown(
                Pause(job.Job.Lapses + 1),
                $"No worker here has a handler for the job '{job.Job.Name}'; known are: {string.Join(", ", handlers.Names)}. Add one with AddHandler, or finish the deployment.");

        ReadOnlyMemory<byte> json;
        try
        {
            (job.ReadHeaders, json) = JobEnvelope.Read(job.Job.Body);
        }
        catch (FormatException error)
        {
            return Unreadable(job, error);
        }

        using var span = telemetry.StartProcess(job.Id, job.Job.Name, job.Attempt, job.ReadHeaders);
        job.Span = span?.Activity;
        object payload;
        try
        {
            payload = handler.Read(json.Span, serializer);
        }
        catch (Exception error) // Constructors, setters and converters of the job's type run here and may throw anything, each time.
        {
            span?.Failed(error);
            return Unreadable(job, error);
        }

        return await HandleAsync(handler, payload, job, span).ConfigureAwait(false);
    }

    private async ValueTask<Outcome?> HandleAsync(HandlerTable.Entry handler, object payload, RunningJob job, ProcessSpan? span)
    {
        try
        {
            var scope = scopes.CreateAsyncScope();
            await using (scope.ConfigureAwait(false))
                await handler.RunAsync(scope.ServiceProvider, payload, job, job.Token).ConfigureAwait(false);
            if (job.HasEnded)
                span?.Stopped(job.StopReason); // it was given up before it returned
            return Outcome.Completed.With(job.Result, job.TakeFollowUps());
        }
        catch (JobDeadException error)
        {
            span?.Failed(error);
            return new Outcome.Dead(ErrorText.Cut(error.Message));
        }
        catch (JobRetryException error)
        {
            return new Outcome.PutOff(error.Delay, ErrorText.Cut(error.Message));
        }
        catch (Exception error) when (job.StopReason != StopReason.None && (error is OperationCanceledException || job.StopReason != StopReason.TimedOut))
        {
            // Drivers answer a fired token with exceptions of their own: whatever it is, the run was told to stop, and it did.
            span?.Stopped(job.StopReason);
            return Stopped(job);
        }
        catch (Exception error) // A handler may throw anything; whatever it is, it fails this attempt and nothing else.
        {
            span?.Failed(error);
            var text = ErrorText.Of(error);
            Log.HandlerFailed(logger, job.Queue, job.Id, job.Attempt, job.Job.Name, text);
            return new Outcome.Failed(Pause(job.Attempt), text);
        }
    }

    private static Outcome.Dead Unreadable(RunningJob job, Exception error) =>
        new($"The payload of '{job.Job.Name}' cannot be read: {ErrorText.FirstLine(ErrorText.Of(error))}");

    private Outcome? Stopped(RunningJob job) => job.StopReason switch
    {
        StopReason.LeaseLost => null,
        StopReason.TimedOut => new Outcome.Failed(Pause(job.Attempt), $"The run took longer than its time-out of {job.Timeout} and was stopped (EnqueueOptions.Timeout, JobWorkerOptions.JobTimeout)."),
        _ => Outcome.Returned.Instance,
    };

    public TimeSpan Pause(int failures) => Backoff.Delay(failures, options.BackoffBase, options.BackoffMax, Random.Shared.NextDouble());
}
