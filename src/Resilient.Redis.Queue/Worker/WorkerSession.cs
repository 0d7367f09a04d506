using System.Buffers.Text;
using System.Security.Cryptography;

namespace Resilient.Redis.Queue.Worker;

/// <summary>One life of a worker: 128 random bits, so that no two are ever taken for each other (rule R12); and a label for people.</summary>
/// <param name="name">Who it is; null for the machine and the process.</param>
internal sealed class WorkerSession(string? name = null)
{
    /// <summary>Between the random part and the label; what reads a label, in the scripts too, takes what follows it.</summary>
    private const char LabelFollows = '@';

    public const int MaxName = 64;

    public string Id { get; } = NewId() + LabelFollows + Label(name ?? $"{Environment.MachineName}-{Environment.ProcessId}");

    public override string ToString() => Id;

    /// <summary>It becomes part of keys, channels and log lines: what is special in any of them is replaced.</summary>
    private static string Label(string name) => string.Create(Math.Min(name.Length, MaxName), name, static (label, name) =>
    {
        for (var i = 0; i < label.Length; i++)
            label[i] = char.IsAsciiLetterOrDigit(name[i]) || name[i] is '-' or '_' or '.' ? name[i] : '-';
    });

    private static string NewId()
    {
        Span<byte> bits = stackalloc byte[16];
        RandomNumberGenerator.Fill(bits);
        return Base64Url.EncodeToString(bits);
    }
}
