namespace Resilient.Redis.Queue.Options;

/// <summary>AGGRESSIVE_MEMORY_MANAGEMENT, one of the variables of the Python service.</summary>
internal sealed class AggressiveMemoryVariable(Func<string, string?> environment)
{
    private const string Name = "AGGRESSIVE_MEMORY_MANAGEMENT";

    private readonly string? _text = environment(Name)?.Trim();

    /// <summary>False where it is not set.</summary>
    public bool Value => _text?.ToUpperInvariant() is "TRUE" or "1";

    /// <summary>What is wrong with it; null when nothing is.</summary>
    public string? Fault => _text?.ToUpperInvariant() is null or "" or "TRUE" or "1" or "FALSE" or "0"
        ? null
        : $"{Name} is '{_text}'; it must be true, false, 1 or 0.";
}
