namespace Resilient.Redis.Queue.Diagnostics;

/// <summary>Every name that this package gives to OpenTelemetry. What begins with <c>messaging.</c> is its own: https://opentelemetry.io/docs/specs/semconv/messaging/.</summary>
internal static class TelemetryNames
{
    public const string SentMessages = "messaging.client.sent.messages";
    public const string ConsumedMessages = "messaging.client.consumed.messages";
    public const string OperationDuration = "messaging.client.operation.duration";
    public const string ProcessDuration = "messaging.process.duration";
    public const string LeasesLost = "resilient.queue.leases.lost";
    public const string SettlementsRefused = "resilient.queue.settlements.refused";
    public const string JobsDead = "resilient.queue.jobs.dead";
    public const string Jobs = "resilient.queue.jobs";
    public const string OldestAge = "resilient.queue.oldest.age";

    public const string System = "messaging.system";
    public const string Destination = "messaging.destination.name";
    public const string OperationName = "messaging.operation.name";
    public const string OperationType = "messaging.operation.type";
    public const string MessageId = "messaging.message.id";
    public const string BatchCount = "messaging.batch.message_count";
    public const string ErrorType = "error.type";
    public const string JobType = "resilient.job.type";
    public const string JobState = "resilient.job.state";
    public const string JobAttempt = "resilient.job.attempt";

    public const string Redis = "redis";
    public const string Enqueue = "enqueue";
    public const string Claim = "claim";
    public const string Settle = "settle";
    public const string Extend = "extend";
    public const string Process = "process";
    public const string RetryEvent = "retry";

    /// <summary>The conventions' word for what has no value of its own.</summary>
    public const string Other = "_OTHER";

    /// <summary>The conventions' word for one of the queue's operations; null where they have none.</summary>
    public static string? TypeOf(string operation) => operation switch
    {
        Enqueue => "send",
        Claim => "receive",
        Process => Process,
        Settle => Settle,
        _ => null,
    };
}
