namespace Resilient.Redis.Queue.Worker;

/// <summary>What a queue looked like a moment ago.</summary>
/// <param name="Counts">Its counts.</param>
/// <param name="TakenAt">Local timestamp.</param>
internal sealed record QueueSample(QueueCounts Counts, long TakenAt);
