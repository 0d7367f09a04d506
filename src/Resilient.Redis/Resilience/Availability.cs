namespace Resilient.Redis.Resilience;

/// <summary>Whether any connection works, since when, and the last error. Read before each call, so reading is one volatile field.</summary>
internal sealed class Availability(TimeProvider time)
{
    private readonly Lock _lock = new();
    private volatile bool _isUp;
    private volatile Exception? _lastError;
    private DateTimeOffset _since = time.GetUtcNow();
    private TaskCompletionSource _up = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public bool IsUp => _isUp;

    public bool WasEverUp { get; private set; }

    /// <summary>The last failure that was seen, also after a recovery; null when there never was one.</summary>
    public Exception? LastError => _lastError;

    public DateTimeOffset Since
    {
        get
        {
            lock (_lock)
                return _since;
        }
    }

    /// <summary>Completes when it is up; at once if it is.</summary>
    public Task WhenUp
    {
        get
        {
            lock (_lock)
                return _isUp ? Task.CompletedTask : _up.Task;
        }
    }

    /// <summary>Notes a failure. One that is only the driver's own giving up names no cause, and does not hide one.</summary>
    public void Saw(Exception error)
    {
        if (_lastError is null || !RedisErrors.IsGivingUp(error))
            _lastError = error;
    }

    /// <param name="isUp">Asked inside the lock: two changes at once must not leave the older answer behind.</param>
    public void Set(Func<bool> isUp)
    {
        lock (_lock)
        {
            var up = isUp();
            if (up == _isUp)
                return;
            _isUp = up;
            WasEverUp |= up;
            _since = time.GetUtcNow();
            if (up)
                _up.SetResult();
            else
                _up = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }
}
