using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics;
using System.Text;
using Resilient.Redis.Queue.Diagnostics;

namespace Resilient.Redis.Queue.Storage;

/// <summary>The part of a stored job that scripts do not look into: headers and payload, behind a version byte.</summary>
/// <remarks>1, payload: what has no headers, since each byte is paid for by each job. Or 2, number of headers (2 bytes), for each header the length (4 bytes) and text of name and value, payload.</remarks>
internal static class JobEnvelope
{
    private const byte Plain = 1;
    private const byte WithHeaders = 2;
    private const int HeadersAt = 3;

    public static readonly IReadOnlyDictionary<string, string> NoHeaders = new Dictionary<string, string>();

    /// <param name="payload">JSON.</param>
    /// <param name="headers">The producer's own.</param>
    /// <param name="creator">Where the job is made; its trace context becomes two more headers where it is recorded.</param>
    public static byte[] Write(ReadOnlySpan<byte> payload, IReadOnlyDictionary<string, string>? headers, Activity? creator = null)
    {
        if (headers?.Count > ushort.MaxValue)
            throw new ArgumentException($"A job has {headers.Count} headers; the most is {ushort.MaxValue}.", nameof(headers));
        var (traceParent, traceState) = TraceContext.Of(creator, headers);
        var count = (headers?.Count ?? 0) + (traceParent is null ? 0 : 1) + (traceState is null ? 0 : 1);
        if (count == 0)
            return [Plain, .. payload];
        var writer = new ArrayBufferWriter<byte>(payload.Length + HeadersAt);
        writer.Write([WithHeaders]);
        BinaryPrimitives.WriteUInt16LittleEndian(writer.GetSpan(2), (ushort)count);
        writer.Advance(2);
        foreach (var (name, value) in headers ?? NoHeaders)
            WriteHeader(writer, name, value);
        if (traceParent is not null)
            WriteHeader(writer, TraceContext.Parent, traceParent);
        if (traceState is not null)
            WriteHeader(writer, TraceContext.State, traceState);
        writer.Write(payload);
        return writer.WrittenSpan.ToArray();
    }

    /// <exception cref="FormatException">It is damaged, or of a newer version.</exception>
    public static (IReadOnlyDictionary<string, string> Headers, ReadOnlyMemory<byte> Payload) Read(ReadOnlyMemory<byte> body)
    {
        if (body.Length > 0 && body.Span[0] == Plain)
            return (NoHeaders, body[1..]);
        if (body.Length < HeadersAt || body.Span[0] != WithHeaders)
            throw new FormatException("The job's envelope is damaged, or of a newer version.");

        var count = BinaryPrimitives.ReadUInt16LittleEndian(body.Span[1..]);
        var rest = body[HeadersAt..];
        var headers = new Dictionary<string, string>(count, StringComparer.Ordinal);
        for (var i = 0; i < count; i++)
        {
            var name = ReadText(ref rest);
            headers[name] = ReadText(ref rest);
        }

        return (headers, rest);
    }

    private static void WriteHeader(ArrayBufferWriter<byte> writer, string name, string value)
    {
        WriteText(writer, name);
        WriteText(writer, value);
    }

    private static void WriteText(ArrayBufferWriter<byte> writer, string text)
    {
        var length = Encoding.UTF8.GetByteCount(text);
        var span = writer.GetSpan(4 + length);
        BinaryPrimitives.WriteInt32LittleEndian(span, length);
        Encoding.UTF8.GetBytes(text, span[4..]);
        writer.Advance(4 + length);
    }

    private static string ReadText(ref ReadOnlyMemory<byte> rest)
    {
        if (rest.Length < 4 || BinaryPrimitives.ReadInt32LittleEndian(rest.Span) is var length && (length < 0 || length > rest.Length - 4))
            throw new FormatException("The job's envelope is damaged.");
        var text = Encoding.UTF8.GetString(rest.Span.Slice(4, length));
        rest = rest[(4 + length)..];
        return text;
    }
}
