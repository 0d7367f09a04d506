using System.Text.Json;

namespace Resilient.Redis.Queue;

/// <summary>How a queue works. Producers and workers of a queue should use the same.</summary>
public sealed class JobQueueOptions
{
    /// <summary>The first part of every key. Default <c>rrq</c>; 1 to 64 letters, digits, <c>- _ . :</c>.</summary>
    public string KeyPrefix { get; set; } = "rrq";

    /// <summary>How long a worker may be silent before its jobs go to others. Default 10 s; from 3 s to 1 h. The first worker stores it with the queue; one whose value differs warns and uses the stored one.</summary>
    public TimeSpan Lease { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>The most handler runs of a job. Default 5; from 1 to 1,000.</summary>
    public int MaxAttempts { get; set; } = 5;

    /// <summary>The most deliveries lost with their worker, or to workers that do not know the job's type, before the job is dead. Default 10; from 1 to 1,000.</summary>
    public int MaxDeliveries { get; set; } = 10;

    /// <summary>The pause after the first failed attempt; doubles with each, with jitter. Default 1 s; from 0 to 1 h.</summary>
    public TimeSpan BackoffBase { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest pause between attempts. Default 10 min; from <see cref="BackoffBase"/> to 7 d.</summary>
    public TimeSpan BackoffMax { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>How long a completed job and its result are kept. Default 1 h; from 0 to 365 d.</summary>
    public TimeSpan ResultRetention { get; set; } = TimeSpan.FromHours(1);

    /// <summary>How long a dead job is kept. Default 30 d; from 1 min to 3,650 d.</summary>
    public TimeSpan DeadRetention { get; set; } = TimeSpan.FromDays(30);

    /// <summary>The most dead jobs kept; the oldest go first. Default 100,000; from 1 to 10,000,000.</summary>
    public int DeadLimit { get; set; } = 100_000;

    /// <summary>The most jobs that may wait or be scheduled; an enqueue beyond it is refused with <see cref="JobQueueFullException"/>. None by default; from 1. Follow-ups and retries are never refused.</summary>
    public long? MaxLength { get; set; }

    /// <summary>The most jobs that are active at once over all workers; jobs claimed ahead count too (<see cref="JobWorkerOptions.Prefetch"/>). None by default; from 1 to 1,000,000. Each worker goes by its own value: use the same everywhere.</summary>
    public int? MaxConcurrency { get; set; }

    /// <summary>How many jobs may be started in a time over all workers, each attempt and each job claimed ahead counted. None by default. Each worker goes by its own value: use the same everywhere.</summary>
    public JobRateLimit? RateLimit { get; set; }

    /// <summary>How many replicas must have a job before its enqueue returns. Default 0; from 0 to 16. When they do not in <see cref="ReplicaAckTimeout"/>, the enqueue throws <see cref="JobNotReplicatedException"/>: the job is accepted all the same. Each wait costs a round trip to the slowest of them.</summary>
    public int ReplicaAcks { get; set; }

    /// <summary>How long an enqueue waits for <see cref="ReplicaAcks"/> and <see cref="RequireFsync"/>, within the call's total time. Default 1 s; from 10 ms to 1 min.</summary>
    public TimeSpan ReplicaAckTimeout { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Whether Redis must have a job on its disk before its enqueue returns (WAITAOF: Redis 7.2 or newer with appendonly; another server is refused by name). Default false.</summary>
    public bool RequireFsync { get; set; }

    /// <summary>How long a job may be ready before the health check says degraded; nothing is refused or stopped for it. Default 5 min; from 1 s to 365 d; null for never.</summary>
    public TimeSpan? ReadyAgeLimit { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>The largest job, and the largest result, in bytes of JSON. Default 1 MiB; from 1 KiB to 64 MiB.</summary>
    public int MaxPayloadBytes { get; set; } = 1024 * 1024;

    /// <summary>How jobs and results are written. Set a source-generated context as its <see cref="JsonSerializerOptions.TypeInfoResolver"/> for AOT; web defaults with reflection otherwise.</summary>
    public JsonSerializerOptions? SerializerOptions { get; set; }
}
