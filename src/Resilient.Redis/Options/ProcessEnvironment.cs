namespace Resilient.Redis.Options;

/// <summary>Where environment variables come from; tests bring their own instead of changing the process.</summary>
internal sealed record ProcessEnvironment(Func<string, string?> Read);
