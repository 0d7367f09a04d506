using System.Text.Json.Serialization;
using Resilient.Redis.Queue;
using ShapWorker.Explaining;

namespace ShapWorker.Api;

/// <summary>The answer to a job handed in.</summary>
/// <param name="Created">False when a job of the same Idempotency-Key was there already.</param>
internal sealed record JobAccepted(string Id, int Rows, bool Created, JobLinks Links);

/// <summary>How a job stands.</summary>
internal sealed record JobAnswer(
    string Id, string State, int Attempt, int MaxAttempts, DateTimeOffset EnqueuedAt, DateTimeOffset? EndedAt, string? Error, ExplainResult? Result, JobLinks Links)
{
    public static JobAnswer From(JobInfo job) => new(
        job.Id.Value,
        job.State.ToString().ToLowerInvariant(),
        job.Attempt,
        job.MaxAttempts,
        job.EnqueuedAt,
        job.EndedAt,
        job.Error,
        job.HasResult ? job.GetResult<ExplainResult>() : null,
        JobLinks.To(job.Id));
}

internal sealed record JobLinks(string Self, string Plot)
{
    public static JobLinks To(JobId id) => new($"/jobs/{id}", $"/jobs/{id}/plot.svg");
}

/// <summary>The answer of /admin/redis_ping.</summary>
internal sealed record PingAnswer(
    string Status,
    [property: JsonPropertyName("latency_ms"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? LatencyMs = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Reason = null);
