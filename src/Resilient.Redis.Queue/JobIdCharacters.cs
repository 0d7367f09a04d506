using System.Buffers;

namespace Resilient.Redis.Queue;

internal static class JobIdCharacters
{
    public static readonly SearchValues<char> Allowed =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:/");
}
