using System.Security.Cryptography;

namespace Resilient.Redis.Queue.Producing;

/// <summary>Makes ids as <see cref="JobId.New"/> does, and fetches the random bits of many at once: each call for them costs more than the rest of an id.</summary>
internal sealed class JobIdSource
{
    private const int IdsAtOnce = 64;

    private readonly Lock _gate = new();
    private readonly byte[] _bits = new byte[IdsAtOnce * JobId.RandomBytes];
    private int _at = IdsAtOnce * JobId.RandomBytes;

    public JobId Next()
    {
        Span<byte> bits = stackalloc byte[JobId.RandomBytes];
        lock (_gate)
        {
            if (_at == _bits.Length)
            {
                RandomNumberGenerator.Fill(_bits);
                _at = 0;
            }

            var next = _bits.AsSpan(_at, JobId.RandomBytes);
            next.CopyTo(bits);
            next.Clear(); // an id can be a capability: it is not kept beside the job's own
            _at += JobId.RandomBytes;
        }

        return JobId.Of(bits);
    }
}
