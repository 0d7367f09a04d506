using Microsoft.Extensions.DependencyInjection;
using Resilient.Redis.Queue.Storage;
using Resilient.Redis.Queue.Tests.Integration;
using Resilient.Redis.TestKit;
using Xunit.Abstractions;

namespace Resilient.Redis.Queue.Tests.Promises;

/// <summary>Follow-ups in the same queue are committed with the completion in one step; those for another are kept with it, and delivered once, later, even if the worker dies.</summary>
public sealed class Promise6_WorkThatAJobCreatesIsCreatedOnce(ITestOutputHelper output) : PromiseTest(output)
{
    private const string Abroad = "abroad";

    /// <summary>A settlement with two follow-ups is some 1,200 bytes, its reply some 60: the cuts meet every part of both, and of the delivery to the other queue.</summary>
    [NeedsRedisServerFact("a server of its own")]
    public async Task Settlement_cut_at_any_byte_of_request_or_reply_makes_each_follow_up_once()
    {
        await using var proxy = FaultProxy.Start(Redis);
        await using var producer = await StartAsync();
        await using var worker = await StartPairAsync(proxy.Endpoint);
        Script.Do = (job, context, _) =>
        {
            if (job.What.StartsWith("parent", StringComparison.Ordinal))
            {
                if (job.What.Split(' ') is [_, "request", var request])
                    proxy.CutAfterRequestBytes(Number(request));
                else if (job.What.Split(' ') is [_, "reply", var reply])
                    proxy.CutAfterReplyBytes(Number(reply));
                context.EnqueueOnCompletion(new DoJob("child of " + job.What));
                context.EnqueueOnCompletion(new DoJob("cousin of " + job.What), queue: Abroad);
            }

            return Task.CompletedTask;
        };
        string[] parents =
        [
            "parent",
            .. Enumerable.Range(0, 50).Select(step => $"parent request {step * 30}"),
            .. Enumerable.Range(0, 40).Select(step => $"parent reply {step * 5}"),
        ];

        foreach (var parent in parents)
        {
            var id = (await EnqueueAsync(producer, parent))[0];
            await StateAsync(producer, id, JobState.Completed);
        }

        await Eventually.TrueAsync(() => Script.Runs.Count >= 3 * parents.Length, Deadline, () => $"{Script.Runs.Count} runs of {3 * parents.Length}; {worker.Logs.Text}");
        await CompletedAsync(producer, 2 * parents.Length);
        Script.Runs.Select(run => run.What).Should().BeEquivalentTo(parents.SelectMany(parent => (string[])[parent, "child of " + parent, "cousin of " + parent]), "each once");
        (await StateOfQueueAsync()).CheckInvariants();
        (await StateOfQueueAsync(Abroad)).CheckInvariants();
    }

    /// <summary>It dies between the completion and the delivery; and its successor between the delivery and forgetting it.</summary>
    [NeedsRedisServerFact("a server of its own")]
    public async Task Follow_up_for_another_queue_whose_workers_died_before_and_in_the_middle_of_its_delivery_is_delivered_once()
    {
        await using var raw = await Redis.ConnectAsync();
        var options = new JobQueueOptions { Lease = Lease };
        var (here, there) = (StoreOf("test"), StoreOf(Abroad));
        var cousin = TestQueue.Job("cousin") with { Name = "test.do", Body = JobEnvelope.Write("{\"what\":\"cousin\"}"u8, null) };
        var notAfter = await here.GetServerTimeAsync(default) + 60_000;
        await here.EnqueueAsync([TestQueue.Job("parent")], notAfter, default);
        var parent = (await here.WorkAsync("died", 0, new WorkCall(1, 1, true, []), default)).Jobs.Single();
        var completed = new Outcome.Completed(default, [new FollowUp(cousin, Abroad)]);
        await here.WorkAsync("died", 0, new WorkCall(2, 0, true, [new Settlement(parent.Lease, completed, true)]), default);
        // The successor: delivered, and not yet forgotten.
        var entry = (await here.ReadOutboxAsync(default)).Single();
        await there.EnqueueAsync([entry.Job with { Keep = TimeSpan.FromDays(1) }], notAfter, default);

        await using var worker = await StartPairAsync(Redis.Endpoint);

        await Eventually.TrueAsync(async () => (await here.ReadOutboxAsync(default)).Length == 0, Deadline);
        var admin = worker.Services.GetRequiredKeyedService<IJobQueueAdmin>(Abroad);
        await Eventually.TrueAsync(async () => (await admin.CountAsync()).TotalCompleted == 1, Deadline);
        Script.Runs.Select(run => run.What).Should().Equal("cousin");
        (await admin.CountAsync()).TotalAccepted.Should().Be(1);

        RedisJobStore StoreOf(string queue) => new(new RawRedis(raw), new QueueKeys(options.KeyPrefix, queue), options, RedisScripts.Default);
    }

    private static int Number(string text) => int.Parse(text, System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>An application that works on both queues.</summary>
    private Task<QueueHost> StartPairAsync(string endpoint) => QueueHost.StartAsync(
        endpoint,
        queue =>
        {
            queue.Services.AddSingleton(Script);
            queue.AddHandler<DoJob, DoHandler>().AddWorker(o => o.Concurrency = 2);
            queue.Services.AddResilientRedis("second", o => o.ConnectionString = endpoint).AddQueue(Abroad, o => o.Lease = Lease).AddHandler<DoJob, DoHandler>().AddWorker(o => o.Concurrency = 2);
        },
        o => o.Lease = Lease);
}
