using Microsoft.Extensions.DependencyInjection;
using Resilient.Redis.Queue.Storage;
using StackExchange.Redis;

namespace Resilient.Redis.Queue.Torture.Recording;

/// <summary>Stands between the queue and its connection and writes down what Redis answered to each claim and settlement.</summary>
/// <remarks>A settlement whose reply is lost is sent again by its worker, so only those of a worker that is killed meanwhile are not seen here.</remarks>
internal sealed class RecordingRedis(IResilientRedis inner, Journal journal) : IResilientRedis
{
    private const int FirstSettlement = 8; // ARGV[9] of Scripts/settle.lua
    private const int FieldsOfSettlement = 7;

    public string Name => inner.Name;

    public TimeSpan TotalTimeout => inner.TotalTimeout;

    public static void Decorate(IServiceCollection services, Journal journal)
    {
        var original = services.Last(service => service.ServiceType == typeof(IResilientRedis) && service.IsKeyedService && "".Equals(service.ServiceKey));
        services.AddKeyedSingleton<IResilientRedis>("", (provider, key) => new RecordingRedis((IResilientRedis)original.KeyedImplementationFactory!(provider, key), journal));
    }

    public ValueTask<IConnectionMultiplexer> GetConnectionAsync(CancellationToken cancellationToken = default) => inner.GetConnectionAsync(cancellationToken);

    public async ValueTask<TResult> ExecuteAsync<TState, TResult>(
        Func<IDatabase, TState, Task<TResult>> command, TState state, RetrySafety safety, CancellationToken cancellationToken = default)
    {
        var result = await inner.ExecuteAsync(command, state, safety, cancellationToken);
        if (state is ValueTuple<RedisScript, RedisKey[], RedisValue[]> { Item1.Name: "claim" or "settle", Item3: var arguments } && result is RedisResult reply)
            Record(arguments, (RedisResult[])reply!);
        return result;
    }

    public ValueTask<TimeSpan> PingAsync(CancellationToken cancellationToken = default) => inner.PingAsync(cancellationToken);

    public ValueTask<int> ReplaceDeadAsync(CancellationToken cancellationToken = default) => inner.ReplaceDeadAsync(cancellationToken);

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    private void Record(RedisValue[] arguments, RedisResult[] reply)
    {
        var serverTime = (long)reply[1];
        var codes = (RedisResult[])reply[5]!;
        for (var i = 0; i < codes.Length / 2; i++)
        {
            var settlement = arguments.AsSpan(FirstSettlement + i * FieldsOfSettlement, FieldsOfSettlement);
            var (id, token, outcome) = ((string)settlement[0]!, (long)settlement[1], (string)settlement[2]!);
            var (code, state) = ((ReplyCode)(int)codes[2 * i], (int)codes[2 * i + 1] is not 0 and var known ? (JobState?)known : null);
            journal.Write((at, who) => new Settled(at, who, id, token, outcome, code, state, serverTime));
        }

        foreach (var job in (RedisResult[])reply[6]!)
            journal.Write((at, who) => new Claimed(at, who, (string)job[0]!, (long)job[1], serverTime));
    }
}
