using Resilient.Redis.Queue.Storage;
using Resilient.Redis.Queue.Tests.Scripts;
using Resilient.Redis.Queue.Torture.Recording;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Torture;

public sealed class RecordingStoreTests(BothServers servers) : ScriptTests(servers)
{
    /// <summary>A worker repeats a call whose reply was lost, and others may have claimed the job in between: the checker has to know when it was first sent.</summary>
    [Theory, OnBothServers]
    public async Task Repeat_of_a_call_is_noted_with_the_time_of_its_first_sending(ServerKind kind)
    {
        var queue = await QueueAsync(kind);
        await queue.EnqueueAsync("a");
        var folder = Directory.CreateTempSubdirectory("recording-store-");
        try
        {
            using (var journal = new Journal(Path.Combine(folder.FullName, "w.jsonl"), "w"))
            {
                var store = new RecordingStore(new RawRedis(queue.Connection), queue.Keys, queue.Options, null, journal);
                var job = (await store.WorkAsync("w", 0, new WorkCall(1, 1, false, []), default)).Jobs.Single();
                var settle = new WorkCall(2, 0, false, [new Settlement(job.Lease, new Outcome.PutOff(TimeSpan.Zero, "later"), true)]);

                await store.WorkAsync("w", 0, settle, default);
                await store.WorkAsync("w", 0, settle, default);
                await store.WorkAsync("w", 0, settle with { Sequence = 3 }, default);
            }

            var settled = Journal.ReadAll(folder.FullName).OfType<Settled>().ToList();
            settled.Select(answer => answer.Code).Should().Equal(ReplyCode.Accepted, ReplyCode.Accepted, ReplyCode.Already);
            settled[1].SentAt.Should().Be(settled[0].SentAt);
            settled[2].SentAt.Should().BeGreaterThan(settled[1].At);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
