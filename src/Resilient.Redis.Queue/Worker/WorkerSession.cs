using System.Buffers.Text;
using System.Security.Cryptography;

namespace Resilient.Redis.Queue.Worker;

/// <summary>One life of a worker: 128 random bits, so that no two are ever taken for each other (rule R12).</summary>
internal sealed class WorkerSession
{
    public string Id { get; } = NewId();

    public override string ToString() => Id;

    private static string NewId()
    {
        Span<byte> bits = stackalloc byte[16];
        RandomNumberGenerator.Fill(bits);
        return Base64Url.EncodeToString(bits);
    }
}
