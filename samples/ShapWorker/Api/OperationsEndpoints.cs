using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Resilient.Redis;
using Resilient.Redis.Queue;

namespace ShapWorker.Api;

/// <summary>What an operator or a platform asks: health, one PING, the queue's counts.</summary>
internal static class OperationsEndpoints
{
    public static void MapOperations(this WebApplication app)
    {
        app.MapHealthChecks("/health", new HealthCheckOptions { ResponseWriter = HealthAnswer.WriteAsync });
        app.MapGet("/admin/redis_ping", PingAsync);
        app.MapGet("/queue", async (IJobQueueAdmin queue, CancellationToken cancellationToken) => Results.Ok(await queue.CountAsync(cancellationToken)));
    }

    /// <summary>One PING, bounded by AttemptTimeout (REDIS_TIMEOUT), whatever Redis does.</summary>
    private static async Task<IResult> PingAsync(IResilientRedis redis, CancellationToken cancellationToken)
    {
        try
        {
            var latency = await redis.PingAsync(cancellationToken);
            return Results.Ok(new PingAnswer("ok", Math.Round(latency.TotalMilliseconds, 3)));
        }
        catch (ResilientRedisException failed)
        {
            return Results.Json(new PingAnswer("error", Reason: failed.Message), ShapJson.Default.PingAnswer, statusCode: StatusCodes.Status503ServiceUnavailable);
        }
    }
}
