using Xunit;

namespace Resilient.Redis.TestKit;

/// <summary>A fact that needs more than Garnet has; it is skipped, with the reason, where redis-server is not installed.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class NeedsRedisServerFactAttribute : FactAttribute
{
    public NeedsRedisServerFactAttribute(string reason)
    {
        if (!RedisServer.IsInstalled)
            Skip = $"redis-server is not installed, and Garnet does not serve: {reason}";
    }
}
