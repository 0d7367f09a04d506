using System.Diagnostics;
using Resilient.Redis.Queue.Storage;

namespace Resilient.Redis.Queue.Producing;

/// <summary>Makes what a script takes of a job and its options. Refuses what cannot be meant, before anything is sent.</summary>
internal sealed class JobWriter(string queue, JobQueueOptions options, JobSerializer serializer, JobNames names, TimeProvider time)
{
    /// <param name="job">The job.</param>
    /// <param name="asked">How.</param>
    /// <param name="creator">Where it is made; null where nobody records that.</param>
    /// <exception cref="ArgumentException">The options contradict each other or are out of range.</exception>
    /// <exception cref="JobTooLargeException">It is larger than MaxPayloadBytes.</exception>
    public NewJob Write<TJob>(TJob job, EnqueueOptions asked, Activity? creator = null)
    {
        ArgumentNullException.ThrowIfNull(job);
        EnqueueOptionsCheck.Throw(asked);
        var payload = serializer.Write(job);
        var body = JobEnvelope.Write(payload, asked.Headers, creator);
        if (body.Length > options.MaxPayloadBytes && creator is not null)
            body = JobEnvelope.Write(payload, asked.Headers); // whether somebody records traces must not decide what is too large
        if (body.Length > options.MaxPayloadBytes)
            throw new JobTooLargeException(
                $"Queue '{queue}': the job has {body.Length:N0} bytes of JSON and headers, and the most is {options.MaxPayloadBytes:N0}. " +
                "Hand big data over by reference, or raise JobQueueOptions.MaxPayloadBytes. Nothing was sent.");
        return new NewJob(
            asked.Id ?? JobId.New(),
            names.Of<TJob>(),
            body,
            DelayOf(asked),
            asked.MaxAttempts ?? options.MaxAttempts,
            asked.Timeout ?? TimeSpan.Zero,
            asked.ResultRetention ?? options.ResultRetention,
            asked.UniqueKey ?? "",
            asked.UniqueFor ?? TimeSpan.Zero);
    }

    private TimeSpan DelayOf(EnqueueOptions asked)
    {
        var delay = asked.Delay ?? asked.NotBefore - time.GetUtcNow() ?? TimeSpan.Zero;
        return delay > TimeSpan.Zero ? delay : TimeSpan.Zero;
    }
}
