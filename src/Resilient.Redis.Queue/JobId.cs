using System.Buffers.Text;
using System.Security.Cryptography;

namespace Resilient.Redis.Queue;

/// <summary>The id of a job: unguessable when made by <see cref="New"/>, or any text of the caller's own.</summary>
public readonly record struct JobId
{
    /// <summary>The most characters that an id may have.</summary>
    public const int MaxLength = 128;

    internal const int RandomBytes = 12;

    private readonly string? _value;

    /// <summary>Takes a caller's own id: 1 to <see cref="MaxLength"/> letters, digits, or <c>- _ . : /</c>.</summary>
    /// <exception cref="ArgumentException">The text is empty, too long, or has another character.</exception>
    public JobId(string value)
    {
        if (!TryParse(value, out this))
            throw new ArgumentException($"A job id has 1 to {MaxLength} letters, digits, or any of - _ . : /.", nameof(value));
    }

    private JobId(string value, bool _) => _value = value;

    /// <summary>The text of the id; empty for <c>default</c>.</summary>
    public string Value => _value ?? "";

    /// <summary>Makes a new id: 16 characters that carry 96 random bits, so that it can serve as a capability in a URL.</summary>
    public static JobId New()
    {
        Span<byte> bytes = stackalloc byte[RandomBytes];
        RandomNumberGenerator.Fill(bytes);
        return Of(bytes);
    }

    internal static JobId Of(ReadOnlySpan<byte> random) => new(Base64Url.EncodeToString(random), true);

    /// <summary>Reads an id, for example from a URL; false when it could be none.</summary>
    public static bool TryParse(string? value, out JobId id)
    {
        id = default;
        if (value is not { Length: > 0 and <= MaxLength } || value.AsSpan().ContainsAnyExcept(JobIdCharacters.Allowed))
            return false;
        id = new(value, true);
        return true;
    }

    /// <summary>An id as Redis has it, whoever made it: what is stored there must never stop a worker.</summary>
    internal static JobId Stored(string value) => new(value, true);

    /// <inheritdoc/>
    public override string ToString() => Value;
}
