namespace Resilient.Redis.Queue;

/// <summary>Does the work of one type of job. Made anew for each run, in a scope of its own.</summary>
/// <typeparam name="TJob">The job: any type that System.Text.Json can write.</typeparam>
public interface IJobHandler<in TJob>
{
    /// <summary>Runs the job. Returning completes it; throwing fails the attempt; <see cref="JobDeadException"/> gives it up; <see cref="JobRetryException"/> puts it off.</summary>
    /// <param name="job">The job.</param>
    /// <param name="context">Who it is, and where its result goes.</param>
    /// <param name="cancellationToken">Fires when the run should stop; <see cref="JobContext.StopReason"/> says why.</param>
    Task HandleAsync(TJob job, JobContext context, CancellationToken cancellationToken);
}
