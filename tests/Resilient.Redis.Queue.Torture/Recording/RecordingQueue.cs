namespace Resilient.Redis.Queue.Torture.Recording;

/// <summary>A producer's side of the queue: what it asks, and what it is told.</summary>
internal sealed class RecordingQueue(IJobQueue queue, Journal journal)
{
    /// <summary>One call, and what it said of all its jobs. A single job has a call of its own, more are a call for many.</summary>
    public async Task<Answer> EnqueueAsync<TJob>(params (Tried Try, TJob Job, EnqueueOptions Options)[] jobs)
    {
        foreach (var job in jobs)
            journal.Write((at, who) => job.Try with { At = at, Who = who });
        try
        {
            var results = jobs.Length == 1
                ? [await queue.EnqueueAsync(jobs[0].Job, jobs[0].Options)]
                : await queue.EnqueueManyAsync([.. jobs.Select(job => new JobRequest<TJob>(job.Job, job.Options))]);
            foreach (var (job, result) in jobs.Zip(results))
            {
                journal.Write((at, who) => result.HeldBy is { } holder
                    ? new Held(at, who, job.Try.Id, holder.Value)
                    : new Acknowledged(at, who, job.Try.Id, result.Created));
            }

            return results[0].HeldBy is null ? Answer.Stored : Answer.Held;
        }
        catch (JobQueueFullException error)
        {
            // The refusal of a second attempt says nothing of the first, and the text tells so.
            Failed(jobs, IsAmbiguous(error), full: true);
            return Answer.Full;
        }
        catch (RedisRefusedException error)
        {
            Failed(jobs, IsAmbiguous(error));
        }
        catch (RedisUnavailableException error)
        {
            Failed(jobs, error.MayHaveExecuted);
        }

        return Answer.Failed;
    }

    public async Task CancelAsync(JobId id)
    {
        journal.Write((at, who) => new CancelTried(at, who, id.Value));
        try
        {
            var result = await queue.CancelAsync(id, "The torture run cancels it.");
            journal.Write((at, who) => new CancelAnswered(at, who, id.Value, result));
        }
        catch (ResilientRedisException)
        {
            // It may have arrived: the checker knows that it was tried.
        }
    }

    public async Task LookAsync(JobId id)
    {
        try
        {
            if (await queue.GetAsync(id) is { Progress: { } progress })
                journal.Write((at, who) => new Looked(at, who, id.Value, (int)Math.Round(progress.Fraction * 10_000)));
        }
        catch (ResilientRedisException)
        {
            // Nothing was seen.
        }
    }

    private static bool IsAmbiguous(Exception error) => error.InnerException is RedisUnavailableException { MayHaveExecuted: true };

    private void Failed<TJob>((Tried Try, TJob Job, EnqueueOptions Options)[] jobs, bool mayBeStored, bool full = false)
    {
        foreach (var job in jobs)
            journal.Write((at, who) => mayBeStored ? new Unconfirmed(at, who, job.Try.Id) : new NotStored(at, who, job.Try.Id, full));
    }
}

internal enum Answer
{
    /// <summary>All are there.</summary>
    Stored,

    /// <summary>Another job holds the unique key.</summary>
    Held,

    /// <summary>The queue has as many jobs as it may.</summary>
    Full,

    /// <summary>Not confirmed, or refused.</summary>
    Failed,
}
