using System.Globalization;
using Microsoft.Extensions.Options;
using Resilient.Redis;

namespace ShapWorker.Verifying;

/// <summary>One PING straight to the server of REDIS_URL, with the same settings that the service would use.</summary>
internal static class DirectPing
{
    public static async Task<Verdict> RunAsync()
    {
        try
        {
            await using var redis = ResilientRedis.Create(new());
            var latency = await redis.PingAsync();
            return Verdict.Good(string.Create(CultureInfo.InvariantCulture, $"straight to REDIS_URL, round trip {latency.TotalMilliseconds:0.0} ms"));
        }
        catch (RedisUnavailableException away)
        {
            return Verdict.Bad(away.Message, "REDIS_URL: host, port, and redis:// or rediss://. REDIS_TIMEOUT if the server is far away or slow.");
        }
        catch (RedisRefusedException refused)
        {
            return Verdict.Bad(refused.Message, "REDIS_URL: user and password.");
        }
        catch (OptionsValidationException wrong)
        {
            return Verdict.Bad(wrong.Message, "The variable named in this message.");
        }
    }
}
