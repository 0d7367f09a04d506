using System.Diagnostics;
using Resilient.Redis.Queue.Torture.Recording;

namespace Resilient.Redis.Queue.Torture.Children;

/// <summary>Behaves as the job says, and writes down its start, its token's firing and its end.</summary>
internal sealed class TortureHandler(Journal journal) : IJobHandler<TortureJob>, IJobHandler<ReadableJob>
{
    public async Task HandleAsync(TortureJob job, JobContext context, CancellationToken cancellationToken)
    {
        var (id, token) = (context.Id.Value, context.FenceToken);
        journal.Write((at, who) => new Started(at, who, id, token, context.Attempt, context.Queue));
        using var registration = cancellationToken.Register(() => journal.Write((at, who) => new Fired(at, who, id, token, context.StopReason)));
        var how = RunEnd.Stopped;
        try
        {
            AskForFollowUps(job, context);
            await WorkAsync(job, context, cancellationToken);
            context.SetResult(token);
            how = EndOf(job, context);
        }
        finally
        {
            // Before the handler returns: from then on it may be settled, and run elsewhere.
            journal.Write((at, who) => new Ended(at, who, id, token, how));
        }

        switch (how)
        {
            case RunEnd.Failed:
                throw new InvalidOperationException("The handler failed on purpose.");
            case RunEnd.GaveUp:
                throw new JobDeadException("The handler gave the job up on purpose.");
            case RunEnd.PutOff:
                throw new JobRetryException(TimeSpan.FromMilliseconds(job.Milliseconds), "put off on purpose");
        }
    }

    /// <summary>Never called: the payload of such a job cannot be read. If it is, the checker finds a run where there must be none.</summary>
    public Task HandleAsync(ReadableJob job, JobContext context, CancellationToken cancellationToken)
    {
        journal.Write((at, who) => new Started(at, who, context.Id.Value, context.FenceToken, context.Attempt, context.Queue));
        return Task.CompletedTask;
    }

    private void AskForFollowUps(TortureJob job, JobContext context)
    {
        for (var i = 0; i < job.FollowUps; i++)
        {
            var queue = (i % 2 == 0) == (context.Queue == Settings.Queue) ? Settings.Next : Settings.Queue;
            var child = context.EnqueueOnCompletion(new TortureJob(i == 0 ? JobKind.Short : JobKind.FailsOnce, job.Milliseconds % 100), queue: queue);
            journal.Write((at, who) => new Asked(at, who, context.Id.Value, child.Value, queue));
        }
    }

    private async Task WorkAsync(TortureJob job, JobContext context, CancellationToken cancellationToken)
    {
        switch (job.Kind)
        {
            case JobKind.Killer:
                journal.Write((at, who) => new Fault(at, who, FaultKind.Poisoned, at));
                Process.GetCurrentProcess().Kill();
                await Task.Delay(Timeout.Infinite, CancellationToken.None);
                break;
            case JobKind.Blocking:
                Thread.Sleep(job.Milliseconds); // as a user's handler would that waits in an old library
                break;
            case JobKind.Stubborn:
                await Task.Delay(job.Milliseconds, CancellationToken.None);
                break;
            case JobKind.Long:
                await ReportAsync(job.Milliseconds, context, cancellationToken);
                break;
            default:
                await Task.Delay(job.Milliseconds, cancellationToken);
                break;
        }
    }

    private async Task ReportAsync(int milliseconds, JobContext context, CancellationToken cancellationToken)
    {
        const int Step = 150;
        for (var done = 0; done < milliseconds; done += Step)
        {
            var progress = (int)(10_000L * done / milliseconds);
            journal.Write((at, who) => new Reported(at, who, context.Id.Value, progress));
            context.ReportProgress(progress / 10_000.0, "under way");
            await Task.Delay(Math.Min(Step, milliseconds - done), cancellationToken);
        }
    }

    private static RunEnd EndOf(TortureJob job, JobContext context) => job.Kind switch
    {
        JobKind.FailsOnce when context.Attempt == 1 => RunEnd.Failed,
        JobKind.FailsAlways => RunEnd.Failed,
        JobKind.GivesUp => RunEnd.GaveUp,
        // Not kept anywhere which run it is: half of the tokens are even.
        JobKind.PutsOff when context.FenceToken % 2 == 0 => RunEnd.PutOff,
        _ => RunEnd.Returned,
    };
}
