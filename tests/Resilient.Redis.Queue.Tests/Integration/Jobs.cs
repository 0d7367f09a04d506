using System.Collections.Concurrent;

namespace Resilient.Redis.Queue.Tests.Integration;

/// <summary>A job whose behaviour the test gives by name.</summary>
[JobName("test.do")]
public sealed record DoJob(string What);

/// <summary>What the handler of <see cref="DoJob"/> does, and what it saw. One a test, as a singleton.</summary>
public sealed class Script
{
    public ConcurrentQueue<(JobId Id, int Attempt, long Token, string What)> Runs { get; } = new();

    public Func<DoJob, JobContext, CancellationToken, Task> Do { get; set; } = (_, _, _) => Task.CompletedTask;
}

public sealed class DoHandler(Script script) : IJobHandler<DoJob>
{
    public Task HandleAsync(DoJob job, JobContext context, CancellationToken cancellationToken)
    {
        script.Runs.Enqueue((context.Id, context.Attempt, context.FenceToken, job.What));
        return script.Do(job, context, cancellationToken);
    }
}
