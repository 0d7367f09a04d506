using Resilient.Redis.Queue.Storage;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Scripts;

/// <summary>A job in a given standing, and the worker <c>me</c> with the lease that it has, had, or believes that it has.</summary>
internal sealed record StandingJob(TestQueue Queue, TestWorker Me, Lease Lease)
{
    /// <summary>As it was claimed; null where it never was.</summary>
    public ClaimedJob? Job { get; private init; }

    public const string Id = "x";

    public static async Task<StandingJob> SeedAsync(TestQueue queue, Standing standing)
    {
        var (me, other) = (queue.Worker("me"), queue.Worker("other"));
        if (standing is Standing.Unknown)
            return new(queue, me, new Lease(new JobId(Id), 1));

        await queue.EnqueueAsync(Id, standing is Standing.Scheduled ? TimeSpan.FromHours(1) : default);
        if (standing is Standing.Waiting or Standing.Scheduled)
            return new(queue, me, new Lease(new JobId(Id), 1));

        var job = (await (standing is Standing.ActiveOther ? other : me).ClaimAsync()).Single();
        switch (standing)
        {
            case Standing.Expired:
                await queue.PassAsync(TimeSpan.FromSeconds(8), other);
                await queue.MoveToAsync(queue.Now + 2000);
                break;
            case Standing.Recovered or Standing.TakenByOther:
                await queue.PassAsync(TimeSpan.FromSeconds(10), other);
                if (standing is Standing.TakenByOther)
                    (await other.ClaimAsync()).Should().ContainSingle();
                break;
            case Standing.Retried:
                await me.SettleAsync(job, new Outcome.Failed(TimeSpan.FromHours(1), "failed"));
                break;
            case Standing.Completed:
                await me.SettleAsync(job, new Outcome.Completed("{}"u8.ToArray()));
                break;
            case Standing.Dead:
                await me.SettleAsync(job, new Outcome.Dead("hopeless"));
                break;
            case Standing.RecordMissing:
                await queue.DeleteRecordAsync(Id);
                break;
            case Standing.RecordDamaged:
                await queue.DamageAsync(Id);
                break;
        }

        return new(queue, me, job.Lease) { Job = job };
    }
}
