using System.Globalization;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Resilient.Redis.Queue.Worker;

/// <summary>Live while this process's worker has claimed, settled or extended within one lease. Makes no call, so it never hangs with Redis.</summary>
internal sealed class JobQueueHealthCheck(string queue, bool hasWorker, WorkerPulse pulse) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var age = pulse.Age;
        var data = new Dictionary<string, object> { ["queue"] = queue, ["worker"] = hasWorker };
        if (age is { } known)
            data["last_contact_ms"] = Math.Round(known.TotalMilliseconds);

        if (!hasWorker)
            return Task.FromResult(HealthCheckResult.Healthy($"Queue '{queue}': no worker runs in this process; it only produces.", data));
        if (age < pulse.Lease)
            return Task.FromResult(HealthCheckResult.Healthy($"Queue '{queue}': the worker claims, settles and extends.", data));

        var since = age is null ? "not yet been in contact" : string.Create(CultureInfo.InvariantCulture, $"not been in contact for {age.Value.TotalSeconds:0.#} s");
        return Task.FromResult(new HealthCheckResult(
            context.Registration.FailureStatus,
            $"Queue '{queue}': the worker has {since}; its lease is {pulse.Lease.TotalSeconds:0.#} s. Look at the health of Redis and at the worker's log.",
            data: data));
    }
}
