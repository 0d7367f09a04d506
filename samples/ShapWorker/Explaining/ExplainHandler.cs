using Resilient.Redis.Queue;

namespace ShapWorker.Explaining;

/// <summary>Predicts and explains the rows of a job.</summary>
internal sealed class ExplainHandler(PenguinModel model) : IJobHandler<ExplainJob>
{
    public Task HandleAsync(ExplainJob job, JobContext context, CancellationToken cancellationToken)
    {
        // The API lets nothing of this kind through, but others may write into the queue: no retry would mend it.
        if (job.Rows is not { Count: > 0 and <= ExplainJob.MaxRows })
            throw new JobDeadException($"The job has {job.Rows?.Count ?? 0} rows; 1 to {ExplainJob.MaxRows} are allowed.");

        try
        {
            context.SetResult(new ExplainResult(model.Explain(job.Rows)));
        }
        catch (ArgumentException unknown)
        {
            throw new JobDeadException(unknown.Message, unknown);
        }

        return Task.CompletedTask;
    }
}
