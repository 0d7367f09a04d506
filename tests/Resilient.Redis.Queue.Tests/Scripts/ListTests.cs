using System.Text.Json;
using Resilient.Redis.Queue.Storage;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Scripts;

public sealed class ListTests(BothServers servers) : ScriptTests(servers)
{
    [Theory, OnBothServersInEachStanding]
    public async Task Job_is_listed_where_inspect_says_that_it_stands_and_nowhere_else(ServerKind kind, Standing standing)
    {
        var queue = await QueueAsync(kind);
        await StandingJob.SeedAsync(queue, standing);
        var job = await queue.InspectAsync(StandingJob.Id);

        foreach (var state in Enum.GetValues<JobState>())
        {
            var page = await ListAsync(queue, state);
            // One that cannot be read tells no state; it will be among the dead once somebody meets it.
            if (state == job?.State && standing is not Standing.RecordDamaged)
                page.Jobs.Should().ContainSingle().Which.Should().BeEquivalentTo(job);
            else
                page.Jobs.Should().BeEmpty(state.ToString());
        }
    }

    [Theory, OnBothServers]
    public async Task Each_state_has_its_order_and_pages_go_on_where_the_last_one_ended(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await queue.EnqueueManyAsync(TestQueue.Job("late", Seconds(60)), TestQueue.Job("soon", Seconds(30)));
        await EnqueueManyAsync(queue, 8);
        var worker = queue.Worker("w");
        foreach (var outcome in (Outcome[])[new Outcome.Dead("first"), new Outcome.Dead("second"), new Outcome.Completed("1"u8.ToArray())])
        {
            await worker.SettleAsync((await worker.ClaimAsync()).Single(), outcome);
            await queue.MoveToAsync(queue.Now + 1);
        }

        await worker.ClaimAsync();
        await queue.Database.ListRightPopLeftPushAsync(queue.Keys.Waiting, queue.Keys.Suspect);
        await queue.Store.CancelAsync(new JobId("job4"), "x", default);

        (await IdsAsync(queue, JobState.Waiting)).Should().Equal(["job7", "job5", "job6"], "what is handed out alone comes first");
        (await IdsAsync(queue, JobState.Scheduled)).Should().Equal("soon", "late");
        (await IdsAsync(queue, JobState.Active)).Should().Equal("job3");
        (await IdsAsync(queue, JobState.Dead)).Should().Equal("job1", "job0");
        (await IdsAsync(queue, JobState.Completed)).Should().Equal("job2");
        (await IdsAsync(queue, JobState.Cancelled)).Should().Equal("job4");
        (await ListAsync(queue, JobState.Completed)).Jobs.Single().GetResult<int>().Should().Be(1);
        (await ListAsync(queue, JobState.Waiting, from: 1, most: 1)).Jobs.Single().Id.Value.Should().Be("job5");
    }

    [Theory, OnBothServers]
    public async Task Page_of_large_jobs_is_shorter(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        for (var i = 0; i < 3; i++)
            await queue.EnqueueManyAsync(TestQueue.Job($"job{i}") with { Body = new byte[9 * 1024 * 1024] });

        (await ListAsync(queue, JobState.Waiting)).Looked.Should().Be(2);
        (await IdsAsync(queue, JobState.Waiting)).Should().Equal("job0", "job1", "job2");
    }

    private static ValueTask<JobPage> ListAsync(TestQueue queue, JobState state, long from = 0, int most = 100) =>
        queue.Store.ListAsync(state, from, most, JsonSerializerOptions.Web, default);

    private static async Task<List<string>> IdsAsync(TestQueue queue, JobState state)
    {
        var ids = new List<string>();
        for (var (from, looked) = (0L, 1); looked > 0; from += looked)
        {
            var page = await ListAsync(queue, state, from, 2);
            looked = page.Looked;
            ids.AddRange(page.Jobs.Select(job => job.Id.Value));
        }

        return ids;
    }
}
