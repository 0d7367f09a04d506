using System.Buffers.Binary;
using System.Text;
using Resilient.Redis.Queue.Producing;

namespace Resilient.Redis.Queue.Storage;

/// <summary>How jobs are enqueued, as Scripts/_arrive.lua reads it: MessagePack, written once for all that are enqueued alike.</summary>
/// <remarks>Of a plain job it is just the shape that stands in its record (Scripts/_record.lua), which the script then only copies.</remarks>
internal sealed class JobShape
{
    private const int FieldsOfPlain = 4;
    private const int Fields = 7;
    private const int MostBytesOfNumber = 9;
    private const int HeadOfText = 5;

    /// <summary>A plain job asks to be kept for at least this long, longer than its call can be repeated, so that the script need not lengthen it (rule R15). PLAIN_KEEP_MS in Scripts/_plain.lua mirrors it.</summary>
    public static readonly TimeSpan LongKept = 2 * EnqueueCall.MaxValidity;

    private readonly string _name;
    private readonly int _maxAttempts;
    private readonly (TimeSpan Keep, TimeSpan Timeout, TimeSpan Delay) _times;

    /// <param name="job">It has no unique key.</param>
    public JobShape(NewJob job)
    {
        (_name, _maxAttempts, _times) = (job.Name, job.MaxAttempts, (job.Keep, job.Timeout, job.Delay));
        Packed = Write(job);
    }

    public byte[] Packed { get; }

    /// <summary>Whether that job, which has no unique key either, is enqueued just so.</summary>
    public bool Fits(NewJob job) => job.MaxAttempts == _maxAttempts && _times == (job.Keep, job.Timeout, job.Delay) && job.Name == _name;

    public static byte[] Write(NewJob job)
    {
        var isPlain = job.Delay == TimeSpan.Zero && job.UniqueKey.Length == 0 && job.Keep >= LongKept;
        var packed = new byte[1 + (2 * HeadOfText) + Encoding.UTF8.GetByteCount(job.Name) + Encoding.UTF8.GetByteCount(job.UniqueKey) + ((Fields - 2) * MostBytesOfNumber)];
        packed[0] = (byte)(0x90 | (isPlain ? FieldsOfPlain : Fields)); // an array of so many
        var at = 1;
        WriteText(packed, ref at, job.Name);
        WriteNumber(packed, ref at, job.MaxAttempts);
        WriteNumber(packed, ref at, (long)job.Keep.TotalMilliseconds);
        WriteNumber(packed, ref at, (long)job.Timeout.TotalMilliseconds);
        if (!isPlain)
        {
            WriteNumber(packed, ref at, (long)job.Delay.TotalMilliseconds);
            WriteText(packed, ref at, job.UniqueKey);
            WriteNumber(packed, ref at, (long)job.UniqueFor.TotalMilliseconds);
        }

        return packed[..at];
    }

    private static void WriteText(Span<byte> packed, ref int at, string text)
    {
        var length = Encoding.UTF8.GetByteCount(text);
        if (length < 32)
        {
            packed[at++] = (byte)(0xA0 | length);
        }
        else if (length <= byte.MaxValue)
        {
            (packed[at], packed[at + 1]) = (0xD9, (byte)length);
            at += 2;
        }
        else
        {
            packed[at] = 0xDA;
            BinaryPrimitives.WriteUInt16BigEndian(packed[(at + 1)..], checked((ushort)length));
            at += 3;
        }

        at += Encoding.UTF8.GetBytes(text, packed[at..]);
    }

    private static void WriteNumber(Span<byte> packed, ref int at, long number)
    {
        var rest = packed[(at + 1)..];
        if (number <= 0x7F)
        {
            packed[at++] = (byte)number;
        }
        else if (number <= ushort.MaxValue)
        {
            packed[at] = 0xCD;
            BinaryPrimitives.WriteUInt16BigEndian(rest, (ushort)number);
            at += 3;
        }
        else if (number <= uint.MaxValue)
        {
            packed[at] = 0xCE;
            BinaryPrimitives.WriteUInt32BigEndian(rest, (uint)number);
            at += 5;
        }
        else
        {
            packed[at] = 0xCF;
            BinaryPrimitives.WriteUInt64BigEndian(rest, (ulong)number);
            at += MostBytesOfNumber;
        }
    }
}
