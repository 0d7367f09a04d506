using System.Buffers.Binary;
using System.Text;

namespace Resilient.Redis.Queue.Storage;

/// <summary>What jobs that were enqueued alike have in common in their records (Scripts/_record.lua).</summary>
/// <param name="Packed">As it is stored.</param>
/// <param name="Name">The wire name of the job's type.</param>
/// <param name="Timeout">The longest run; zero for none of its own.</param>
internal sealed record FreshShape(byte[] Packed, string Name, TimeSpan Timeout);

/// <summary>Reads the jobs of one claim that go out as they are stored: see Scripts/_record.lua. Jobs that were enqueued alike have the same shape, which is read once.</summary>
internal struct FreshRecord
{
    public const int TimeBytes = LengthAt - TimeAt;

    private const int TimeAt = 1;
    private const int LengthAt = 7;
    private const int ShapeAt = 8;

    private FreshShape? _shape;

    /// <summary>As it stands in a record.</summary>
    public static void WriteTime(Span<byte> target, long time)
    {
        BinaryPrimitives.WriteUInt16BigEndian(target, (ushort)(time >> 32));
        BinaryPrimitives.WriteUInt32BigEndian(target[2..], (uint)time);
    }

    /// <param name="lease">The right to run it.</param>
    /// <param name="record">The script has looked at its shape.</param>
    /// <exception cref="FormatException">It is damaged.</exception>
    public ClaimedJob Read(Lease lease, byte[] record)
    {
        if (record.Length < ShapeAt || record.Length < ShapeAt + record[LengthAt])
            throw new FormatException("A fresh job's record is cut off.");
        var shape = record.AsSpan(ShapeAt, record[LengthAt]);
        if (_shape is null || !shape.SequenceEqual(_shape.Packed))
            _shape = ReadShape(shape);
        var enqueued = ((long)BinaryPrimitives.ReadUInt16BigEndian(record.AsSpan(TimeAt)) << 32) | BinaryPrimitives.ReadUInt32BigEndian(record.AsSpan(TimeAt + 2));
        return new ClaimedJob(lease, 1, 0, false, _shape.Timeout, enqueued, _shape.Name, record.AsMemory(ShapeAt + shape.Length), _shape);
    }

    /// <summary>MessagePack: { name, max attempts, keep ms, timeout ms }.</summary>
    private static FreshShape ReadShape(ReadOnlySpan<byte> shape)
    {
        var rest = shape[1..]; // the array's head
        var name = ReadText(ref rest);
        ReadNumber(ref rest);
        ReadNumber(ref rest);
        return new FreshShape(shape.ToArray(), name, TimeSpan.FromMilliseconds(ReadNumber(ref rest)));
    }

    private static string ReadText(ref ReadOnlySpan<byte> rest)
    {
        var (head, length) = rest[0] switch
        {
            >= 0xA0 and <= 0xBF => (1, rest[0] & 0x1F),
            0xD9 => (2, rest[1]),
            _ => throw Unknown(rest[0]),
        };
        var text = Encoding.UTF8.GetString(rest.Slice(head, length));
        rest = rest[(head + length)..];
        return text;
    }

    private static long ReadNumber(ref ReadOnlySpan<byte> rest)
    {
        var body = rest[1..];
        var (length, number) = rest[0] switch
        {
            <= 0x7F => (0, rest[0]),
            0xCC => (1, body[0]),
            0xCD => (2, BinaryPrimitives.ReadUInt16BigEndian(body)),
            0xCE => (4, BinaryPrimitives.ReadUInt32BigEndian(body)),
            0xCF or 0xD3 => (8, BinaryPrimitives.ReadInt64BigEndian(body)),
            0xD1 => (2, BinaryPrimitives.ReadInt16BigEndian(body)),
            0xD2 => (4, BinaryPrimitives.ReadInt32BigEndian(body)),
            0xCB => (8, (long)BinaryPrimitives.ReadDoubleBigEndian(body)),
            _ => throw Unknown(rest[0]),
        };
        rest = body[length..];
        return number;
    }

    private static FormatException Unknown(byte head) => new($"A fresh job's record has the byte {head} where a text or a number begins.");
}
