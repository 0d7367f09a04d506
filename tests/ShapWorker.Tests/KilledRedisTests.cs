using System.Diagnostics;
using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Resilient.Redis;
using Resilient.Redis.Queue;
using Resilient.Redis.TestKit;
using ShapWorker.Explaining;
using Xunit.Abstractions;

namespace ShapWorker.Tests;

/// <summary>The reason for it all: Redis dies in the middle of the work.</summary>
public sealed class KilledRedisTests(ITestOutputHelper output)
{
    private const int Jobs = 200;
    private const int RowsPerJob = 300;

    [NeedsRedisServerFact("a process that can be killed and comes back with what it acknowledged")]
    public async Task Redis_killed_in_the_middle_of_200_jobs_loses_none_and_all_are_explained()
    {
        await using var redis = await RedisServer.StartAsync("--appendonly", "yes", "--appendfsync", "always");
        await using var web = await ShapService.StartAsync(redis, Role.Web);
        var queue = web.Services.GetRequiredService<IJobQueue>();
        var admin = web.Services.GetRequiredService<IJobQueueAdmin>();
        var ids = new List<string>();
        for (var job = 0; job < Jobs; job++)
            ids.Add((await web.EnqueueAsync(Bodies.Rows(RowsPerJob))).Id);

        // The worker starts last and each job takes it some tens of milliseconds: so the kill meets jobs that wait, run and are done.
        await using var worker = await ShapService.StartAsync(redis, Role.Worker);
        await Eventually.TrueAsync(async () => (await admin.CountAsync()).TotalCompleted >= 10, TimeSpan.FromSeconds(20));
        var before = await admin.CountAsync();
        before.TotalCompleted.Should().BeLessThan(Jobs, "the kill must come in the middle");

        var clock = Stopwatch.StartNew();
        await redis.KillAsync();
        await Eventually.TrueAsync(
            async () => (await web.Http.GetAsync("/admin/redis_ping")).StatusCode == HttpStatusCode.ServiceUnavailable, TimeSpan.FromSeconds(10));
        await redis.RestartAsync();
        var away = clock.Elapsed;
        await Eventually.TrueAsync(
            () => AnsweredAsync(async () => (await admin.CountAsync()).TotalCompleted >= Jobs), TimeSpan.FromSeconds(60));
        var done = clock.Elapsed;

        var repeated = 0;
        foreach (var id in ids)
        {
            var job = (await queue.GetAsync(new(id)))!;
            job.State.Should().Be(JobState.Completed, job.Error);
            var result = job.GetResult<ExplainResult>()!;
            result.Rows.Should().HaveCount(RowsPerJob);
            result.Rows.Max(row => row.AdditivityError()).Should().BeLessThan(1e-6);
            repeated += job.Attempt > 1 || job.Lapses > 0 ? 1 : 0;
        }

        output.WriteLine($"{before.TotalCompleted} completed before the kill, {before.Active} active; away {away.TotalSeconds:0.00} s; all {Jobs} done {done.TotalSeconds:0.00} s after the kill; {repeated} ran more than once.");
        var after = await admin.CountAsync();
        (after.TotalAccepted, after.TotalCompleted).Should().Be((Jobs, Jobs));
        (after.Waiting, after.Scheduled, after.Active, after.Dead, after.TotalLost).Should().Be((0, 0, 0, 0, 0));
    }

    /// <summary>While Redis is away there is no answer, neither yes nor no.</summary>
    private static async Task<bool> AnsweredAsync(Func<Task<bool>> ask)
    {
        try
        {
            return await ask();
        }
        catch (RedisUnavailableException)
        {
            return false;
        }
    }
}
