using System.Buffers;
using System.Net;
using System.Net.Sockets;
using Resilient.Redis.Connections;
using Resilient.Redis.TestKit;
using RESPite.Transports;

namespace Resilient.Redis.Tests.Unit;

#pragma warning disable SER009 // See DirectTransport.

/// <summary>Between two real sockets. What the driver makes of it, the fault tests show.</summary>
public sealed class DirectTransportTests
{
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task All_that_is_flushed_arrives_in_order_whether_replies_come_or_not()
    {
        var (transport, peer) = await PairAsync();
        await using var ours = transport;
        using var theirs = peer;
        var receiver = new Receiver();
        transport.Start(receiver);
        var sent = new List<byte>();

        for (var i = 0; i < 500; i++)
        {
            sent.AddRange(Send(transport, Bytes(i, 1 + (i * 37 % 3000))));
            if (i % 50 == 0)
                await peer.SendAsync(Bytes(i, 10)); // the next is alone again
        }

        (await ReadAsync(peer, sent.Count)).Should().Equal(sent);
        await Eventually.TrueAsync(() => receiver.Count == 100, s_longest);
        receiver.BatchEnds.Should().BePositive();
    }

    [Fact]
    public async Task Message_larger_than_all_buffers_arrives_whole()
    {
        var (transport, peer) = await PairAsync();
        await using var ours = transport;
        using var theirs = peer;
        var large = Bytes(7, 20_000_000);

        var sending = Task.Run(() => Send(transport, large));

        (await ReadAsync(peer, large.Length)).AsSpan().SequenceEqual(large).Should().BeTrue();
        await sending;
    }

    /// <summary>The driver flushes under a lock that all callers of the connection need.</summary>
    [Fact]
    public async Task Socket_that_takes_no_more_holds_up_nobody()
    {
        var (transport, peer) = await PairAsync();
        await using var ours = transport;
        using var theirs = peer;
        var part = Bytes(1, 100_000);

        var flushing = Task.Run(() =>
        {
            for (var i = 0; i < 300; i++)
                Send(transport, part);
        });
        await flushing.WaitAsync(s_longest); // 30 MB, and the peer has not read a byte

        var arrived = await ReadAsync(peer, 300 * part.Length);
        for (var i = 0; i < 300; i++)
            arrived.AsSpan(i * part.Length, part.Length).SequenceEqual(part).Should().BeTrue();
    }

    [Fact]
    public async Task End_is_told_once_with_its_cause()
    {
        var (closed, peer) = await PairAsync();
        var receiver = new Receiver();
        closed.Start(receiver);
        peer.Dispose();
        (await receiver.Closed.WaitAsync(s_longest)).Should().BeNull("the other side has closed it");
        Send(closed, [1]);
        closed.Flush().Should().BeFalse();

        var (reset, resetting) = await PairAsync();
        receiver = new Receiver();
        reset.Start(receiver);
        resetting.LingerState = new LingerOption(true, 0);
        resetting.Dispose();
        (await receiver.Closed.WaitAsync(s_longest)).Should().BeOfType<IOException>().Which.InnerException.Should().BeOfType<SocketException>().Which.SocketErrorCode.Should().Be(SocketError.ConnectionReset);

        var (refused, other) = await PairAsync();
        receiver = new Receiver { Refuses = true };
        refused.Start(receiver);
        await other.SendAsync(Bytes(1, 10));
        await receiver.Closed.WaitAsync(s_longest);
        (await other.ReceiveAsync(new byte[1])).Should().Be(0, "who is refused is told so");

        await closed.DisposeAsync();
        await reset.DisposeAsync();
        await refused.DisposeAsync();
        receiver.Ends.Should().Be(1);
    }

    [Fact]
    public async Task Disposing_ends_the_reader_and_a_writer_that_waits_for_the_socket()
    {
        var (transport, peer) = await PairAsync();
        using var theirs = peer;
        var receiver = new Receiver();
        transport.Start(receiver);
        Send(transport, Bytes(1, 30_000_000));

        await transport.DisposeAsync();

        await receiver.Closed.WaitAsync(s_longest);
        receiver.Ends.Should().Be(1);
        transport.Flush().Should().BeFalse();
        FluentActions.Invoking(() => transport.Advance(1)).Should().Throw<ObjectDisposedException>();
    }

    /// <summary>The driver does so when it closes a connection that somebody writes to.</summary>
    [Fact]
    public async Task Rest_of_a_message_is_not_sent_when_its_beginning_was_taken_away()
    {
        var (transport, peer) = await PairAsync();
        await using var ours = transport;
        using var theirs = peer;
        transport.GetMemory(10).Span[..2].Fill(1);
        transport.Advance(2);
        transport.GetMemory(10).Span[..3].Fill(2);

        await Task.Run(transport.Flush);

        FluentActions.Invoking(() => transport.Advance(3)).Should().Throw<ObjectDisposedException>();
        transport.Flush();
        await transport.DisposeAsync();
        (await ReadAsync(peer, 100)).Should().Equal(1, 1);
    }

    private static byte[] Bytes(int seed, int length)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    /// <summary>In pieces, as the driver stages a message.</summary>
    private static byte[] Send(DirectTransport transport, byte[] message)
    {
        try
        {
            transport.Write(message);
            transport.Flush();
        }
        catch (ObjectDisposedException)
        {
            // It was closed meanwhile, which the tests look at elsewhere.
        }

        return message;
    }

    private static async Task<byte[]> ReadAsync(Socket peer, int most)
    {
        using var limit = new CancellationTokenSource(s_longest);
        var bytes = new byte[most];
        var length = 0;
        while (length < most && await peer.ReceiveAsync(bytes.AsMemory(length), limit.Token) is > 0 and var read)
            length += read;
        return bytes[..length];
    }

    private static async Task<(DirectTransport Transport, Socket Peer)> PairAsync()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(listener.LocalEndpoint);
        return (new DirectTransport(socket), await listener.AcceptSocketAsync());
    }

    private sealed class Receiver : TransportReceiver
    {
        private readonly TaskCompletionSource<Exception?> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _count;

        public bool Refuses { get; init; }

        public int Count => Volatile.Read(ref _count);

        public int BatchEnds { get; private set; }

        public int Ends { get; private set; }

        public Task<Exception?> Closed => _closed.Task;

        public override bool OnReceived(ReadOnlySpan<byte> payload)
        {
            Interlocked.Add(ref _count, payload.Length);
            return !Refuses;
        }

        public override void OnBatchEnd() => BatchEnds++;

        public override void OnClosed(Exception? fault)
        {
            Ends++;
            _closed.TrySetResult(fault);
        }
    }
}
