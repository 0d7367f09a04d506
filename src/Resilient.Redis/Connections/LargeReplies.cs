using System.Runtime.CompilerServices;
using StackExchange.Redis;

namespace Resilient.Redis.Connections;

/// <summary>Learns which calls bring large values, so that they get a connection apart and no small one waits behind them.</summary>
/// <remarks>
/// What a call will bring is not known before; what the same call brought last time is. A call is known by its delegate, which the compiler
/// keeps for a lambda that captures nothing, or by the class that it makes for one that does. Until the first large value this costs nothing.
/// </remarks>
#pragma warning disable CA1001 // The semaphore holds nothing to dispose of as long as nobody asks for its wait handle.
internal sealed class LargeReplies
#pragma warning restore CA1001
{
    /// <summary>On a gigabit link eight milliseconds, in which thousands of small replies would pass.</summary>
    private const long Least = 1 << 20;

    /// <summary>So many small ones in a row, and the call is an ordinary one again.</summary>
    private const int Patience = 16;

    private readonly ConditionalWeakTable<object, Site> _sites = [];
    private readonly SemaphoreSlim _turn = new(1);
    private volatile bool _any;

    /// <summary>Whether any were seen.</summary>
    public bool Any => _any;

    public bool Expects<TState>(Delegate command, TState state) => _any && Find(Key(command, state)) is { IsLarge: true };

    /// <summary>
    /// Large values come one at a time, as they do on one connection anyway: asked for at once, they keep the server from all others
    /// while it copies them, and the last one's time-out runs while the first is on its way. Who has waited for <paramref name="most"/> goes ahead.
    /// </summary>
    /// <returns>Whether it has the turn, and has to end it.</returns>
    public Task<bool> TakeTurnAsync(TimeSpan most, CancellationToken cancellationToken) => _turn.WaitAsync(most, cancellationToken);

    public void EndTurn() => _turn.Release();

    public void Saw<TState, TResult>(Delegate command, TState state, TResult result)
    {
        var isLarge = SizeOf(result) >= Least;
        if (!isLarge && !_any)
            return;
        var key = Key(command, state);
        if (Find(key) is { } site)
        {
            site.SmallInARow = isLarge ? 0 : site.SmallInARow + 1;
        }
        else if (isLarge)
        {
            _sites.AddOrUpdate(IsClosure(key) ? key.Target!.GetType() : key, new Site());
            _any = true;
        }
    }

    internal static long SizeOf<TResult>(TResult result) => result switch
    {
        RedisValue value => value.Length(),
        RedisValue[] { Length: > 0 } values => values.Length * values[0].Length(),
        HashEntry[] { Length: > 0 } entries => entries.Length * (entries[0].Name.Length() + entries[0].Value.Length()),
        byte[] bytes => bytes.Length,
        Lease<byte> lease => lease.Length,
        string text => text.Length,
        RedisResult { Resp2Type: ResultType.BulkString } reply => ((RedisValue)reply).Length(),
        RedisResult { Length: > 0 } replies => replies.Length * SizeOf(replies[0]),
        _ => 0,
    };

    /// <summary>The shorter forms of ExecuteAsync hand the caller's delegate over as the state.</summary>
    private static Delegate Key<TState>(Delegate command, TState state) => state as Delegate ?? command;

    private Site? Find(Delegate key)
    {
        if (_sites.TryGetValue(key, out var site))
            return site;
        return key.Target is { } target && _sites.TryGetValue(target.GetType(), out site) ? site : null;
    }

    private static bool IsClosure(Delegate key) => key.Target?.GetType().Name.Contains("DisplayClass", StringComparison.Ordinal) is true;

    private sealed class Site
    {
        private int _smallInARow;

        public int SmallInARow { get => Volatile.Read(ref _smallInARow); set => Volatile.Write(ref _smallInARow, value); }

        public bool IsLarge => SmallInARow < Patience;
    }
}
