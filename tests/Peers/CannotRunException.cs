namespace Resilient.Redis.Peers;

/// <summary>Something is missing or asked for wrongly; the message says what to do, in one sentence.</summary>
internal sealed class CannotRunException(string message) : Exception(message);
