namespace Resilient.Redis.Connections;

/// <summary>What came in on a connection during the last seconds: a time-out asks it what happened while the call waited.</summary>
internal sealed class TrafficHistory(TimeProvider time)
{
    /// <summary>At ten looks a second the last 12.8 s; for a longer wait the oldest serves.</summary>
    private const int Kept = 128;

    private readonly Lock _lock = new();
    private readonly Queue<Sample> _samples = new(Kept);
    private Sample? _last;

    /// <summary>The watchdog's look.</summary>
    public void Note(long replies, long received)
    {
        lock (_lock)
        {
            if (_samples.Count == Kept)
                _samples.Dequeue();
            _last = new Sample(time.GetTimestamp(), replies, received);
            _samples.Enqueue(_last);
        }
    }

    /// <summary>Replies and bytes that came within the last <paramref name="span"/>, as far as the looks tell.</summary>
    public (long Replies, long Received) Within(TimeSpan span)
    {
        lock (_lock)
        {
            if (_last is null)
                return default;

            // The look before the span began: what came since then may be a little too much, never too little.
            var first = _samples.Peek();
            foreach (var sample in _samples)
            {
                if (time.GetElapsedTime(sample.At) < span)
                    break;
                first = sample;
            }

            // A reconnect starts the socket's own count again.
            return (Math.Max(0, _last.Replies - first.Replies), Math.Max(0, _last.Received - first.Received));
        }
    }

    private sealed record Sample(long At, long Replies, long Received);
}
