using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Resilient.Redis.Diagnostics;

/// <summary>Reports the state that the watchdog keeps. It makes no call, so it answers at once whatever Redis does.</summary>
internal sealed class RedisHealthCheck(IResilientRedis redis, TimeProvider time) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(context);
        if (redis is not ResilientRedis pool)
            return Task.FromResult(HealthCheckResult.Healthy($"{redis.GetType().Name} is no pool of this library and keeps no state."));

        var open = pool.Pool.Open.ToList();
        var down = open.Count(connection => !connection.IsUp);
        var since = pool.Availability.Since;
        var seconds = (time.GetUtcNow() - since).TotalSeconds;
        var error = pool.Availability.LastError is { } last ? pool.Text.Cause(last) : null;
        var data = new Dictionary<string, object>
        {
            ["endpoint"] = pool.Options.Endpoint,
            ["state"] = pool.Availability.IsUp ? "up" : "down",
            ["since"] = since,
            ["connections_open"] = open.Count,
            ["connections_down"] = down,
            ["connections_most"] = pool.Pool.Most,
        };
        if (open.FirstOrDefault(connection => connection.IsUp)?.Latency is { } latency)
            data["latency_ms"] = Math.Round(latency.TotalMilliseconds, 3);
        if (error is not null)
            data["last_error"] = error;

        var result = pool.Availability.IsUp
            ? down == 0
                ? HealthCheckResult.Healthy(FormattableString.Invariant($"{pool.Options.Title} at {pool.Options.Endpoint} is up since {since:O}."), data)
                : HealthCheckResult.Degraded($"{pool.Options.Title} at {pool.Options.Endpoint}: {down} of {open.Count} connections are down.", null, data)
            : new HealthCheckResult(
                context.Registration.FailureStatus,
                FormattableString.Invariant($"{pool.Options.Title} at {pool.Options.Endpoint} is away since {since:O} ({seconds:0.0} s): {error ?? "no connection has been opened yet"}."),
                null,
                data);
        return Task.FromResult(result);
    }
}
