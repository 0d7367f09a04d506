using System.Security.Cryptography;
using Resilient.Redis.Queue.Storage;
using StackExchange.Redis;

namespace Resilient.Redis.Queue.Producing;

/// <summary>All callers of one process that wait for a job of one queue: they share one subscription, opened for the first of them.</summary>
internal sealed class ResultWaiters(JobStore store, TimeProvider time)
{
    private static readonly TimeSpan s_pauseAfterFailure = TimeSpan.FromSeconds(1);

    private readonly string _listener = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Bell> _bells = [];
    private Task _opening = Task.CompletedTask;
    private ResultEar? _ear;
    private long? _failedAt;

    /// <summary>Whom to tell of an end; empty while nothing would be heard.</summary>
    public string Listener
    {
        get
        {
            lock (_gate)
                return _ear is { Hears: true } ? _listener : "";
        }
    }

    /// <summary>Ends when something is heard, or cannot be heard now.</summary>
    public Task OpenAsync()
    {
        lock (_gate)
        {
            var mayTry = _failedAt is not { } at || time.GetElapsedTime(at) >= s_pauseAfterFailure;
            if (_ear is not { Hears: true } && _opening.IsCompleted && mayTry)
                _opening = Task.Run(OpenOnceAsync);
            return _opening;
        }
    }

    /// <summary>Takes part until it is disposed.</summary>
    public Seat Wait(JobId id)
    {
        lock (_gate)
        {
            if (!_bells.TryGetValue(id.Value, out var bell))
                _bells[id.Value] = bell = new Bell();
            bell.Callers++;
            return new Seat(this, id.Value, bell);
        }
    }

    private async Task OpenOnceAsync()
    {
        try
        {
            var old = _ear;
            var ear = await store.OpenEarAsync(_listener, Heard, Missed, CancellationToken.None).ConfigureAwait(false);
            lock (_gate)
                (_ear, _failedAt) = (ear, null);
            if (old is not null)
                await old.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception error) when (error is RedisException or ResilientRedisException or TimeoutException or ObjectDisposedException)
        {
            // Redis is away, or this user may not subscribe: callers look themselves, as often as they did without an ear.
            lock (_gate)
                _failedAt = time.GetTimestamp();
        }
    }

    private void Heard(string id)
    {
        lock (_gate)
            _bells.GetValueOrDefault(id)?.Ring();
    }

    /// <summary>What was told meanwhile is lost: everybody looks.</summary>
    private void Missed()
    {
        lock (_gate)
        {
            foreach (var bell in _bells.Values)
                bell.Ring();
        }
    }

    private void Leave(string id, Bell bell)
    {
        lock (_gate)
        {
            if (--bell.Callers == 0)
                _bells.Remove(id);
        }
    }

    /// <summary>One caller.</summary>
    internal sealed class Seat(ResultWaiters waiters, string id, Bell bell) : IDisposable
    {
        /// <summary>Ends with the next ring. Take it before a look, so that none is missed in between.</summary>
        public Task NextRing => bell.Rung;

        public void Dispose() => waiters.Leave(id, bell);
    }

    /// <summary>What the callers that wait for one job have in common.</summary>
    internal sealed class Bell
    {
        private volatile TaskCompletionSource _rung = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int Callers { get; set; }

        public Task Rung => _rung.Task;

        public void Ring()
        {
            var rung = _rung;
            _rung = new(TaskCreationOptions.RunContinuationsAsynchronously);
            rung.TrySetResult();
        }
    }
}
