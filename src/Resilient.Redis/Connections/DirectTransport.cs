using System.Net.Sockets;
using RESPite.Transports;

namespace Resilient.Redis.Connections;

#pragma warning disable SER009 // The driver calls it experimental; ConnectPace hands it on already.

/// <summary>The bytes of one connection, with no thread between a caller and the socket: who is alone sends at once, and a thread of its own reads.</summary>
/// <remarks>
/// With dedicated threads the driver hands each message to a writer thread and hears of replies by way of the runtime's event loop, which is most
/// of the thread switches of a call that is awaited alone. Here too callers who meet are sent together, by a writer thread; and only that one
/// ever waits for a socket that takes no more. None of it needs the thread pool, so a starved one does not stop Redis.
/// </remarks>
internal sealed class DirectTransport : DuplexTransport
{
    private const int LeastSpace = 256;
    private const int PageBytes = 32 * 1024; // of a large message, sent while the rest is staged
    private const int KeptBytes = 64 * 1024;

    private readonly Lock _gate = new();
    private readonly AutoResetEvent _wake = new(false);
    private readonly Socket _socket;

    // What the driver stages: by whoever holds its write lock, apart from the flush with which it closes.
    private readonly Bytes _staged = new();
    private int _flushes;
    private int _flushesBefore;

    // What waits for the writer thread.
    private Bytes _queued = new();
    private bool _isWriting;
    private bool _hasWriter;

    private bool _awaitsReply; // nothing has come since the last message
    private int _messages; // since something came last
    private bool _isCrowded; // there were several before something came: callers meet
    private bool _isBegun; // a page of what is staged has been sent or queued
    private bool _isAlone; // what is staged was begun while no reply was awaited

    private bool _isClosed;

    /// <param name="socket">It is connected. From here on it belongs to the transport.</param>
    public DirectTransport(Socket socket)
    {
        _socket = socket;
        socket.Blocking = false;
    }

    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        lock (_gate)
        {
            _flushesBefore = _flushes;
            return _staged.Space(Math.Max(sizeHint, LeastSpace));
        }
    }

    /// <exception cref="ObjectDisposedException">The connection was closed while this was written.</exception>
    public override void Advance(int count)
    {
        lock (_gate)
        {
            // The flush of a close has taken away what was written to: the rest of the message must not go out without its beginning.
            ObjectDisposedException.ThrowIf(_isClosed || _flushesBefore != _flushes, this);
            _staged.Length += count;
            if (_staged.Length >= PageBytes)
                Send();
        }
    }

    public override bool Flush()
    {
        lock (_gate)
        {
            if (!_isClosed && _staged.Length > 0)
                Send();
            _isBegun = false;
            _messages++;
            return !_isClosed;
        }
    }

    public override void Start(TransportReceiver receiver) => StartThread("Redis reader", () => Read(receiver));

    public override ValueTask DisposeAsync()
    {
        Close();
        return default;
    }

    private static void StartThread(string name, Action run) => new Thread(() => run()) { IsBackground = true, Name = name }.Start();

    /// <summary>What is staged: at once by who is alone, else together with what others stage.</summary>
    private void Send()
    {
        _flushes++;
        if (!_isBegun)
        {
            _isAlone = !_awaitsReply && !_isCrowded;
            _isBegun = _awaitsReply = true;
        }

        var sent = _isAlone && !_isWriting && _queued.Length == 0 ? SendSome(_staged.Span) : 0;
        if (sent < _staged.Length)
            Queue(_staged.Span[sent..]);
        _staged.Clear();
    }

    private void Queue(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_queued.Space(bytes.Length).Span);
        _queued.Length += bytes.Length;
        if (!_hasWriter)
        {
            _hasWriter = true;
            StartThread("Redis writer", Write);
        }
        else if (!_isWriting)
        {
            _isWriting = true; // waked once: it looks at the queue before it waits again
            _wake.Set();
        }
    }

    /// <summary>As much as the socket takes now. What fails here, the reader finds too, and tells.</summary>
    private int SendSome(ReadOnlySpan<byte> bytes)
    {
        try
        {
            var sent = _socket.Send(bytes, SocketFlags.None, out var error);
            if (error is SocketError.Success or SocketError.WouldBlock)
                return error == SocketError.Success ? sent : 0;
        }
        catch (ObjectDisposedException)
        {
            // As any other failure.
        }

        Close();
        return bytes.Length;
    }

    private void Write()
    {
        var sending = new Bytes();
        while (true)
        {
            lock (_gate)
            {
                _isWriting = !_isClosed && _queued.Length > 0;
                if (_isWriting)
                    (sending, _queued) = (_queued, sending);
                else if (_isClosed)
                    break;
            }

            if (sending.Length > 0)
            {
                SendAll(sending);
                continue;
            }

            _wake.WaitOne();
        }

        _wake.Dispose();
    }

    private void SendAll(Bytes sending)
    {
        try
        {
            for (var rest = sending.Span; rest.Length > 0;)
            {
                var sent = SendSome(rest);
                rest = rest[sent..];
                if (sent == 0)
                    WaitFor(SelectMode.SelectWrite);
            }
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            Close(); // the reader tells
        }

        sending.Clear();
    }

    private void Read(TransportReceiver receiver)
    {
        Exception? fault = null;
        try
        {
            var buffer = GC.AllocateUninitializedArray<byte>(KeptBytes);
            int received;
            do
                received = ReceiveSome(buffer, ref fault);
            while (received == 0 || (received > 0 && Hand(receiver, buffer.AsSpan(0, received))));
        }
        catch (Exception error) // Whatever it is, the driver has to know that nobody reads any more.
        {
            fault = error;
        }

        Close();
        receiver.OnClosed(fault);
    }

    /// <returns>How many bytes; 0 for another look; negative when no more will come.</returns>
    private int ReceiveSome(byte[] buffer, ref Exception? fault)
    {
        WaitFor(SelectMode.SelectRead);
        var received = _socket.Receive(buffer, SocketFlags.None, out var error);
        switch (error)
        {
            case SocketError.Success:
                return received > 0 ? received : -1;
            case SocketError.WouldBlock:
                return 0;
            default:
                var reason = new SocketException((int)error);
                fault = new IOException(reason.Message, reason); // as of a stream
                return -1;
        }
    }

    private bool Hand(TransportReceiver receiver, ReadOnlySpan<byte> received)
    {
        lock (_gate)
        {
            _awaitsReply = false;
            _isCrowded = _messages > 1;
            _messages = 0;
        }

        if (!receiver.OnReceived(received))
            return false;
        receiver.OnBatchEnd();
        return true;
    }

    /// <summary>In the system's own call: the runtime's event loop would be two more threads on the way of each reply.</summary>
    private void WaitFor(SelectMode what) => _socket.Poll(Timeout.InfiniteTimeSpan, what);

    private void Close()
    {
        lock (_gate)
        {
            if (_isClosed)
                return;
            _isClosed = true;
            if (_hasWriter)
                _wake.Set();
            else
                _wake.Dispose();
        }

        try
        {
            _socket.Shutdown(SocketShutdown.Both); // wakes who waits
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // Closed by the other side, or by SocketSet.
        }

        _socket.Dispose();
    }

    /// <summary>A buffer that grows, and is given up where it has grown large. Not pooled: the driver may still write to what a close has taken away.</summary>
    private sealed class Bytes
    {
        private byte[] _bytes = [];

        public int Length { get; set; }

        public Span<byte> Span => _bytes.AsSpan(0, Length);

        public Memory<byte> Space(int least)
        {
            if (_bytes.Length - Length < least)
                Array.Resize(ref _bytes, (int)Math.Min(Array.MaxLength, Math.Max((long)Length + least, 2L * _bytes.Length)));
            return _bytes.AsMemory(Length);
        }

        public void Clear()
        {
            Length = 0;
            if (_bytes.Length > KeptBytes)
                _bytes = [];
        }
    }
}
