namespace Resilient.Redis.Queue;

/// <summary>How many jobs a queue may start, over all its workers.</summary>
/// <param name="Starts">From 1 to 1,000,000.</param>
/// <param name="Period">From 1 ms to 1 d, in whole ms.</param>
/// <remarks>A bucket of <paramref name="Starts"/> tokens that refills evenly: after a pause so many start at once, and then so many in each period.
/// The first period after a pause may so see up to twice as many.</remarks>
public sealed record JobRateLimit(int Starts, TimeSpan Period);
