using System.Globalization;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Resilient.Redis.Queue.Worker;

/// <summary>
/// Live while this process's worker has claimed, settled or extended within one lease; ready while, besides, no job waits for long, none more is dead,
/// and the server's settings lose no job: else degraded. Makes no call, so it never hangs with Redis.
/// </summary>
internal sealed class JobQueueHealthCheck(string queue, bool hasWorker, WorkerPulse pulse, QueueSampler sampler, DangerWatch dangers, TimeSpan? readyAgeLimit) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var data = new Dictionary<string, object> { ["queue"] = queue, ["worker"] = hasWorker };
        if (!hasWorker)
            return Task.FromResult(HealthCheckResult.Healthy($"Queue '{queue}': no worker runs in this process; it only produces, and knows nothing of the queue.", data));

        var age = pulse.Age;
        if (age is { } known)
            data["last_contact_ms"] = Math.Round(known.TotalMilliseconds);
        AddSample(data);
        if (age is null || age >= pulse.Lease)
        {
            var since = age is null ? "not yet been in contact" : string.Create(CultureInfo.InvariantCulture, $"not been in contact for {age.Value.TotalSeconds:0.#} s");
            return Task.FromResult(new HealthCheckResult(
                context.Registration.FailureStatus,
                $"Queue '{queue}': the worker has {since}; its lease is {pulse.Lease.TotalSeconds:0.#} s. Look at the health of Redis and at the worker's log.",
                data: data));
        }

        string[] reasons = [.. Reasons(data)];
        return Task.FromResult(reasons.Length == 0
            ? HealthCheckResult.Healthy($"Queue '{queue}': the worker claims, settles and extends.", data)
            : HealthCheckResult.Degraded($"Queue '{queue}': the worker claims, settles and extends, but {string.Join("; ", reasons)}", data: data));
    }

    private void AddSample(Dictionary<string, object> data)
    {
        if (sampler.Last is not { } sample)
            return;
        data["sample_age_ms"] = Math.Round(sampler.Age!.Value.TotalMilliseconds);
        data["waiting"] = sample.Counts.Waiting;
        data["scheduled"] = sample.Counts.Scheduled;
        data["active"] = sample.Counts.Active;
        data["dead"] = sample.Counts.Dead;
        data["paused"] = sample.Counts.IsPaused;
        if (sample.Counts.OldestReadyAge is { } oldest)
            data["oldest_ready_ms"] = Math.Round(oldest.TotalMilliseconds);
    }

    private IEnumerable<string> Reasons(Dictionary<string, object> data)
    {
        if (sampler.Last?.Counts is { IsPaused: false, OldestReadyAge: { } oldest } && oldest >= readyAgeLimit)
            yield return string.Create(CultureInfo.InvariantCulture, $"the oldest ready job has waited for {oldest.TotalSeconds:0} s (JobQueueOptions.ReadyAgeLimit): add workers or slots, or look at what holds them up.");
        if (sampler.DeadGrow)
            yield return $"more jobs are dead than {QueueSampler.Growing.TotalMinutes:0} minutes ago: look at their errors (IJobQueueAdmin).";
        var found = dangers.Found;
        if (found.Count == 0)
            yield break;
        data["dangers"] = string.Join(", ", found.Select(danger => danger.Setting));
        foreach (var danger in found)
            yield return $"Redis has {danger}";
    }
}
