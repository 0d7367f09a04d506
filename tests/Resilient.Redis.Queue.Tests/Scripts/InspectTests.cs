using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Scripts;

public sealed class InspectTests(BothServers servers) : ScriptTests(servers)
{
    [Theory, OnBothServersInEachStanding]
    public async Task Job_is_shown_as_it_stands(ServerKind kind, Standing standing)
    {
        var queue = await QueueAsync(kind);
        await StandingJob.SeedAsync(queue, standing);

        var job = await queue.InspectAsync(StandingJob.Id);

        if (standing is Standing.Unknown or Standing.RecordMissing)
        {
            job.Should().BeNull();
            return;
        }

        if (standing is Standing.RecordDamaged)
        {
            job.Should().BeEquivalentTo(new { State = JobState.Dead, JobName = "", HasResult = false });
            job!.Error.Should().Contain("cannot be read");
            return;
        }

        var state = standing switch
        {
            Standing.Waiting or Standing.Recovered => JobState.Waiting,
            Standing.Scheduled or Standing.Retried => JobState.Scheduled,
            Standing.Completed => JobState.Completed,
            Standing.Dead => JobState.Dead,
            _ => JobState.Active,
        };
        job.Should().BeEquivalentTo(new
        {
            Id = new JobId(StandingJob.Id),
            JobName = "test",
            State = state,
            Attempt = state is JobState.Waiting || standing is Standing.Scheduled ? 0 : 1,
            MaxAttempts = 5,
            Lapses = 0,
            EnqueuedAt = At(0),
            DueAt = state is JobState.Scheduled ? At(3_600_000) : (DateTimeOffset?)null,
            ClaimedAt = state is JobState.Active ? At(standing is Standing.TakenByOther ? 10_000 : 0) : (DateTimeOffset?)null,
            EndedAt = state is JobState.Completed or JobState.Dead ? At(0) : (DateTimeOffset?)null,
            Error = standing switch { Standing.Retried => "failed", Standing.Dead => "hopeless", _ => null },
            HasResult = standing is Standing.Completed,
        });
    }

    [Theory, OnBothServersInEachStanding]
    public async Task Looking_changes_nothing(ServerKind kind, Standing standing)
    {
        var queue = await QueueAsync(kind);
        await StandingJob.SeedAsync(queue, standing);
        var before = await queue.StateAsync();

        await queue.InspectAsync(StandingJob.Id);
        await queue.Store.CountAsync(default);

        (await queue.StateAsync()).Should().BeEquivalentTo(before, options => options.WithStrictOrdering());
    }

    private static DateTimeOffset At(long ms) => DateTimeOffset.FromUnixTimeMilliseconds(Start + ms);
}
