using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;

namespace Resilient.Redis.TestKit;

/// <summary>A TCP proxy in front of a server: silence, delay, reset, and a cut after a given byte.</summary>
public sealed class FaultProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentDictionary<Link, bool> _links = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly int _target;
    private readonly Task _accepting;
    private long _delayTicks;
    private long _replyBytesPerSecond;
    private volatile bool _newAreSilent;
    private Fuse? _toServerFuse;
    private Fuse? _toClientFuse;
    private int _accepted;
    private long _requestBytes;
    private long _replyBytes;

    private FaultProxy(int target)
    {
        _target = target;
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = AcceptAsync();
    }

    public int Port { get; }

    public string Endpoint => $"127.0.0.1:{Port}";

    /// <summary>How many connections were ever accepted.</summary>
    public int Accepted => Volatile.Read(ref _accepted);

    /// <summary>How many bytes of requests it was ever sent.</summary>
    public long RequestBytes => Interlocked.Read(ref _requestBytes);

    /// <summary>How many bytes of replies it was ever sent.</summary>
    public long ReplyBytes => Interlocked.Read(ref _replyBytes);

    /// <summary>How many are open now.</summary>
    public int Open => _links.Count;

    /// <summary>Added in each direction, in order; a reply is late by twice that.</summary>
    public TimeSpan Delay
    {
        get => new(Interlocked.Read(ref _delayTicks));
        set => Interlocked.Exchange(ref _delayTicks, value.Ticks);
    }

    /// <summary>How fast replies pass, for each connection; 0 is as fast as can be.</summary>
    public long ReplyBytesPerSecond
    {
        get => Interlocked.Read(ref _replyBytesPerSecond);
        set => Interlocked.Exchange(ref _replyBytesPerSecond, value);
    }

    public static FaultProxy Start(TestServer server) => new(server.Port);

    /// <summary>From now on the open connections swallow every byte, both ways, and stay open. New ones work, unless said otherwise.</summary>
    public void Silence(bool newOnesToo = false)
    {
        _newAreSilent = newOnesToo;
        foreach (var link in _links.Keys)
            link.IsSilent = true;
    }

    /// <summary>The open connections from these ports of the client swallow every byte from now on; the others work.</summary>
    public void Silence(IReadOnlyCollection<int> clientPorts)
    {
        foreach (var link in _links.Keys.Where(link => clientPorts.Contains(link.ClientPort)))
            link.IsSilent = true;
    }

    /// <summary>New connections work again; what was swallowed stays lost.</summary>
    public void Speak() => _newAreSilent = false;

    /// <summary>Breaks every open connection with a RST.</summary>
    public void Reset()
    {
        foreach (var link in _links.Keys)
            link.Break();
    }

    /// <summary>Forwards so many more bytes of requests, then breaks the connection that sent the last one.</summary>
    public void CutAfterRequestBytes(long count) => Volatile.Write(ref _toServerFuse, new Fuse(count));

    /// <summary>Forwards so many more bytes of replies, then breaks the connection that got the last one.</summary>
    public void CutAfterReplyBytes(long count) => Volatile.Write(ref _toClientFuse, new Fuse(count));

    /// <summary>Forwards so many more bytes of requests, then swallows what the connection that sent the last one still sends or gets, and keeps it open.</summary>
    public void SilenceAfterRequestBytes(long count) => Volatile.Write(ref _toServerFuse, new Fuse(count, silences: true));

    /// <summary>Forwards so many more bytes of replies, then swallows what the connection that got the last one still sends or gets, and keeps it open.</summary>
    public void SilenceAfterReplyBytes(long count) => Volatile.Write(ref _toClientFuse, new Fuse(count, silences: true));

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Stop();
        await _accepting;
        Reset();
        _stopping.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (!_stopping.IsCancellationRequested)
            {
                var client = await _listener.AcceptSocketAsync(_stopping.Token);
                Interlocked.Increment(ref _accepted);
                _ = ServeAsync(client);
            }
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Stopped.
        }
    }

    private async Task ServeAsync(Socket client)
    {
        var server = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        client.NoDelay = true;
        var link = new Link(client, server) { IsSilent = _newAreSilent };
        _links[link] = true;
        try
        {
            await server.ConnectAsync(IPAddress.Loopback, _target);
            await Task.WhenAny(PumpAsync(link, client, server, () => Volatile.Read(ref _toServerFuse)), PumpAsync(link, server, client, () => Volatile.Read(ref _toClientFuse)));
        }
        catch (SocketException)
        {
            // The server is not there: the client sees a reset.
        }
        finally
        {
            link.Break();
            _links.TryRemove(link, out _);
        }
    }

    private async Task PumpAsync(Link link, Socket from, Socket to, Func<Fuse?> fuse)
    {
        var chunks = Channel.CreateUnbounded<(long Due, byte[] Bytes)>();
        var writing = WriteAsync();
        try
        {
            var buffer = new byte[65536];
            while (true)
            {
                var count = await from.ReceiveAsync(buffer);
                if (count == 0)
                    break;
                Interlocked.Add(ref from == link.Client ? ref _requestBytes : ref _replyBytes, count);
                if (!link.IsSilent)
                    chunks.Writer.TryWrite((Stopwatch.GetTimestamp() + (long)(Delay.TotalSeconds * Stopwatch.Frequency), buffer[..count]));
            }
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // Broken, by one side or by us.
        }

        chunks.Writer.Complete();
        await writing;

        async Task WriteAsync()
        {
            await foreach (var (due, bytes) in chunks.Reader.ReadAllAsync())
            {
                var wait = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), due);
                if (wait > TimeSpan.Zero)
                    await Task.Delay(wait);
                if (link.IsSilent)
                    continue;
                var current = fuse();
                var allowed = current?.Take(bytes.Length) ?? bytes.Length;
                try
                {
                    for (var sent = 0; sent < allowed;)
                        sent += await to.SendAsync(bytes.AsMemory(sent, allowed - sent));
                }
                catch (Exception error) when (error is SocketException or ObjectDisposedException)
                {
                    break;
                }

                if (from != link.Client && ReplyBytesPerSecond is > 0 and var rate)
                    await Task.Delay(TimeSpan.FromSeconds((double)allowed / rate));

                if (allowed < bytes.Length || current is { IsBlown: true, Cuts: true })
                {
                    link.IsSilent = current!.Silences;
                    if (link.IsSilent)
                        continue;
                    link.Break();
                    break;
                }
            }
        }
    }

    /// <summary>Lets so many bytes through and then cuts, or silences, once.</summary>
    private sealed class Fuse(long left, bool silences = false)
    {
        private readonly Lock _lock = new();
        private long _left = left;
        private bool _cut;

        public bool Silences => silences;

        public bool IsBlown { get { lock (_lock) return _left == 0; } }

        /// <summary>True for the first who asks.</summary>
        public bool Cuts
        {
            get
            {
                lock (_lock)
                {
                    var first = !_cut;
                    _cut = true;
                    return first;
                }
            }
        }

        /// <summary>How many of the wanted bytes may pass; all of them once the cut has been made.</summary>
        public int Take(int wanted)
        {
            lock (_lock)
            {
                if (_cut)
                    return wanted;
                var taken = (int)Math.Min(wanted, _left);
                _left -= taken;
                if (taken < wanted)
                    _cut = true;
                return taken;
            }
        }
    }

    private sealed class Link(Socket client, Socket server)
    {
        private volatile bool _isSilent;

        public Socket Client => client;

        public int ClientPort { get; } = ((IPEndPoint)client.RemoteEndPoint!).Port;

        public bool IsSilent { get => _isSilent; set => _isSilent = value; }

        public void Break()
        {
            // Linger 0 makes Close send a RST instead of a friendly FIN.
            foreach (var socket in (Socket[])[client, server])
            {
                try
                {
                    socket.LingerState = new LingerOption(true, 0);
                    socket.Close();
                }
                catch (Exception error) when (error is SocketException or ObjectDisposedException)
                {
                    // Closed already.
                }
            }
        }
    }
}
