using Resilient.Redis.TestKit;

namespace Resilient.Redis.Tests.Faults;

/// <summary>The connection is cut before, in, and after a request, and in its reply, at every byte.</summary>
public sealed class CutTests
{
    /// <summary>What an INCR of this key is on the wire, and its reply: as long as the loops below go.</summary>
    private const string Key = "counter";
    private const int RequestBytes = 27;

    [Fact]
    public async Task IfNotSent_never_counts_twice_wherever_the_request_is_cut()
    {
        for (var cut = 0; cut <= RequestBytes; cut++)
            await CutAsync(RetrySafety.IfNotSent, proxy => proxy.CutAfterRequestBytes(cut));
    }

    [Fact]
    public async Task IfNotSent_never_counts_twice_wherever_the_reply_is_cut()
    {
        for (var cut = 0; cut < 4; cut++)
        {
            var (value, error) = await CutAsync(RetrySafety.IfNotSent, proxy => proxy.CutAfterReplyBytes(cut));
            value.Should().Be(1, "the request had arrived");
            error!.MayHaveExecuted.Should().BeTrue($"cut after {cut} bytes of the reply");
            error.Message.Should().Contain("may have been run");
        }
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
