using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Resilient.Redis.Queue;

/// <summary>What is known of a job at one moment.</summary>
public sealed record JobInfo
{
    private readonly ReadOnlyMemory<byte> _result;
    private readonly JsonSerializerOptions _serializer;

    internal JobInfo(ReadOnlyMemory<byte> result, JsonSerializerOptions serializer)
    {
        _result = result;
        _serializer = serializer;
    }

    /// <summary>The job.</summary>
    public required JobId Id { get; init; }

    /// <summary>The wire name of the job's type; empty once only a trace of an ended job is left.</summary>
    public required string JobName { get; init; }

    /// <summary>Where it stands.</summary>
    public required JobState State { get; init; }

    /// <summary>Handler runs that were spent or are under way: 0 before the first, then 1 and up.</summary>
    public required int Attempt { get; init; }

    /// <summary>The most attempts.</summary>
    public required int MaxAttempts { get; init; }

    /// <summary>Deliveries that counted against the job without being an attempt: leases that lapsed in a started handler, and workers that did not know its type.</summary>
    public required int Lapses { get; init; }

    /// <summary>When Redis accepted it, by Redis's clock.</summary>
    public required DateTimeOffset EnqueuedAt { get; init; }

    /// <summary>When it may run, by Redis's clock; only while it is scheduled.</summary>
    public DateTimeOffset? DueAt { get; init; }

    /// <summary>When it was claimed last, by Redis's clock.</summary>
    public DateTimeOffset? ClaimedAt { get; init; }

    /// <summary>When it ended, by Redis's clock.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>The error of the last failed attempt, or the reason why it is dead.</summary>
    public string? Error { get; init; }

    /// <summary>Deliveries that did not end well, oldest first: the last 20 at most. What could not be read is left out.</summary>
    public IReadOnlyList<JobAttempt> History { get; init; } = [];

    /// <summary>What its handler has reported last; only while it is active.</summary>
    public JobProgress? Progress { get; init; }

    /// <summary>Why somebody asked to cancel it; only while it is active.</summary>
    public string? CancelReason { get; init; }

    /// <summary>Whether it ended with a result.</summary>
    public bool HasResult => !_result.IsEmpty;

    /// <summary>Reads the result.</summary>
    /// <exception cref="InvalidOperationException">There is no result.</exception>
    /// <exception cref="JsonException">The result is not of this type.</exception>
    public TResult? GetResult<TResult>()
    {
        if (_result.IsEmpty)
            throw new InvalidOperationException($"Job {Id} has no result: it is {State}. Look at HasResult first; a handler sets one with JobContext.SetResult.");
        return JsonSerializer.Deserialize(_result.Span, (JsonTypeInfo<TResult>)_serializer.GetTypeInfo(typeof(TResult)));
    }
}
