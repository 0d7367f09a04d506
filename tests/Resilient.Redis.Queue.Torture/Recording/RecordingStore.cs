using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Resilient.Redis.Queue.Storage;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Torture.Recording;

/// <summary>The queue's own store, which writes down what Redis answered to each claim and settlement.</summary>
/// <remarks>A settlement whose reply is lost is sent again by its worker, so only those of a worker that is killed meanwhile are not seen here.</remarks>
internal sealed class RecordingStore(IResilientRedis redis, QueueKeys keys, JobQueueOptions options, IRedisConnectionFactory? connections, Journal journal)
    : RedisJobStore(redis, keys, options, RedisScripts.Default, connections)
{
    private readonly ConcurrentDictionary<int, (WorkCall Call, TimeSpan SentAt)> _underWay = []; // a lane has one call under way, and repeats that very one (rule R12)

    public static void Add(IServiceCollection services, string queue, Journal journal) =>
        TestStores.Add(services, queue, (redis, keys, options, connections) => new RecordingStore(redis, keys, options, connections, journal));

    public override async ValueTask<WorkReply> WorkAsync(string session, int lane, WorkCall call, CancellationToken cancellationToken)
    {
        if (!_underWay.TryGetValue(lane, out var sent) || !ReferenceEquals(call, sent.Call))
            _underWay[lane] = sent = (call, Journal.Now);
        var reply = await base.WorkAsync(session, lane, call, cancellationToken);
        foreach (var (settlement, answer) in call.Settlements.Zip(reply.Settlements))
        {
            var (id, token) = (settlement.Lease.Id.Value, settlement.Lease.Token);
            journal.Write((at, who) => new Settled(at, who, id, token, settlement.Outcome.GetType().Name, answer.Code, answer.State, reply.ServerTime, sent.SentAt));
        }

        foreach (var job in reply.Jobs)
            journal.Write((at, who) => new Claimed(at, who, job.Lease.Id.Value, job.Lease.Token, reply.ServerTime));
        return reply;
    }
}
