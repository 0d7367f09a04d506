using Resilient.Redis.Queue.Torture.Recording;

namespace Resilient.Redis.Queue.Torture.Children;

/// <summary>Behaves as the job says, and writes down its start, its token's firing and its end.</summary>
internal sealed class TortureHandler(Journal journal) : IJobHandler<TortureJob>
{
    private const string PutOffBefore = "put off before";

    public async Task HandleAsync(TortureJob job, JobContext context, CancellationToken cancellationToken)
    {
        var (id, token) = (context.Id.Value, context.FenceToken);
        journal.Write((at, who) => new Started(at, who, id, token, context.Attempt));
        using var registration = cancellationToken.Register(() => journal.Write((at, who) => new Fired(at, who, id, token, context.StopReason)));
        var how = RunEnd.Stopped;
        try
        {
            await WorkAsync(job, cancellationToken);
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
                throw new JobRetryException(TimeSpan.FromMilliseconds(job.Milliseconds), PutOffBefore);
        }
    }

    private static async Task WorkAsync(TortureJob job, CancellationToken cancellationToken)
    {
        switch (job.Kind)
        {
            case JobKind.Blocking:
                Thread.Sleep(job.Milliseconds); // as a user's handler would that waits in an old library
                break;
            case JobKind.Stubborn:
                await Task.Delay(job.Milliseconds, CancellationToken.None);
                break;
            default:
                await Task.Delay(job.Milliseconds, cancellationToken);
                break;
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
