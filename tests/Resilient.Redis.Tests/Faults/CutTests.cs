using Resilient.Redis.TestKit;

namespace Resilient.Redis.Tests.Faults;

/// <summary>The connection is cut before, in, and after a request, and in its reply, at every byte.</summary>
public sealed class CutTests
{
    /// <summary>What an INCR of this key is on the wire, and its reply: as long as the loops below go.</summary>
    private const string Key = "counter";
    private const int RequestBytes = 27;
    private const int ReplyBytes = 4;
    private const int Calls = 3;

    [Fact]
    public Task IfNotSent_never_counts_twice_wherever_the_request_is_cut() =>
        CountAsync(Calls * RequestBytes, static (proxy, cut) => proxy.CutAfterRequestBytes(cut));

    [Fact]
    public Task IfNotSent_never_counts_twice_wherever_the_reply_is_cut() =>
        CountAsync(Calls * ReplyBytes, static (proxy, cut) => proxy.CutAfterReplyBytes(cut));

    /// <summary>A handshake is some 500 bytes each way; every fifth of them.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Handshake_cut_anywhere_is_tried_again(bool requests)
    {
        await using var server = await TestServer.StartAsync();
        await Parallel.ForEachAsync(Enumerable.Range(0, 100).Select(step => step * 5), new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (cut, _) =>
        {
            await using var proxy = FaultProxy.Start(server);
            await using var redis = Testing.Create(proxy.Endpoint, o => (o.PoolSize, o.KeepAliveInterval) = (1, TimeSpan.FromSeconds(30)));
            if (requests)
                proxy.CutAfterRequestBytes(cut);
            else
                proxy.CutAfterReplyBytes(cut);

            await Eventually.TrueAsync(
                async () =>
                {
                    try
                    {
                        await redis.PingAsync();
                        return true;
                    }
                    catch (ResilientRedisException)
                    {
                        return false;
                    }
                },
                TimeSpan.FromSeconds(10),
                () => $"cut after {cut} bytes of the {(requests ? "requests" : "replies")}");
        });
    }

    [Fact]
    public async Task Never_is_one_attempt_and_Idempotent_is_run_again()
    {
        // The cut may meet a reply that the driver's own handshake still owed: then the INCR was not sent, which proves nothing here.
        var (once, error) = (0L, (RedisUnavailableException?)null);
        for (var round = 0; round < 5 && once == 0; round++)
            (once, error) = await CutAsync(RetrySafety.Never, proxy => proxy.CutAfterReplyBytes(0));
        once.Should().Be(1);
        error!.MayHaveExecuted.Should().BeTrue();

        var (twice, none) = (0L, (RedisUnavailableException?)null);
        for (var round = 0; round < 5 && twice < 2; round++)
            (twice, none) = await CutAsync(RetrySafety.Idempotent, proxy => proxy.CutAfterReplyBytes(0));
        twice.Should().Be(2, "the caller said that a second run does no harm");
        none.Should().BeNull();
    }

    /// <summary>A loop of INCRs for every byte at which it may be cut: what the server counted must agree with what was told.</summary>
    private static async Task CountAsync(int bytes, Action<FaultProxy, int> cutAfter)
    {
        await using var server = await TestServer.StartAsync();
        await using var beside = await server.ConnectAsync();
        var ambiguous = 0;
        for (var cut = 0; cut <= bytes; cut++)
        {
            await using var proxy = FaultProxy.Start(server);
            await using var redis = Testing.Create(proxy.Endpoint, o => (o.PoolSize, o.KeepAliveInterval) = (1, TimeSpan.FromSeconds(30)));
            await redis.GetConnectionAsync();
            var key = $"cut{cut:0000}";
            var (told, maybe) = (0, 0);
            cutAfter(proxy, cut);
            for (var call = 0; call < Calls; call++)
            {
                try
                {
                    await redis.IncrementAsync(key, RetrySafety.IfNotSent);
                    told++;
                }
                catch (RedisUnavailableException error)
                {
                    maybe += error.MayHaveExecuted ? 1 : 0;
                }
            }

            ((int)await beside.GetDatabase().StringGetAsync(key)).Should().BeInRange(told, told + maybe, $"cut after {cut} bytes");
            ambiguous += maybe;
        }

        ambiguous.Should().BePositive("else nothing was cut that mattered");
    }

    /// <summary>Runs one INCR under a cut; gives what the server counted and the error, and checks that the two agree.</summary>
    private static async Task<(long Value, RedisUnavailableException? Error)> CutAsync(RetrySafety safety, Action<FaultProxy> cut)
    {
        await using var server = await TestServer.StartAsync();
        await using var beside = await server.ConnectAsync();
        await using var proxy = FaultProxy.Start(server);
        await using var redis = Testing.Create(proxy.Endpoint, o => (o.PoolSize, o.KeepAliveInterval) = (1, TimeSpan.FromSeconds(30)));
        await redis.GetConnectionAsync();

        RedisUnavailableException? error = null;
        cut(proxy);
        try
        {
            await redis.IncrementAsync(Key, safety);
        }
        catch (RedisUnavailableException failure)
        {
            error = failure;
        }

        var value = (long)await beside.GetDatabase().StringGetAsync(Key);
        if (safety != RetrySafety.Idempotent)
        {
            value.Should().BeLessThanOrEqualTo(1);
            if (error is null or { MayHaveExecuted: false })
                value.Should().Be(error is null ? 1 : 0, "what is said about it is true");
        }

        return (value, error);
    }
}
