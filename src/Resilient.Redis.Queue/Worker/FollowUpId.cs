using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Resilient.Redis.Queue.Worker;

/// <summary>The id of a job's n-th follow-up: always the same one, so that it is created once however often the job runs (rule R22).</summary>
internal static class FollowUpId
{
    public static JobId Of(JobId parent, int ordinal)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{parent.Value}>{ordinal}"));
        return JobId.Stored(Base64Url.EncodeToString(hash.AsSpan(0, 12)));
    }
}
