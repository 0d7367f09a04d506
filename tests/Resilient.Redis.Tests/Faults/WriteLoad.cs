using System.Collections.Concurrent;
using System.Diagnostics;

namespace Resilient.Redis.Tests.Faults;

/// <summary>Eight writers, each of which sets one new key after the other and keeps what was acknowledged, and what failed how.</summary>
internal sealed class WriteLoad : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<Write> _acknowledged = new();
    private readonly ConcurrentQueue<Failure> _failures = new();
    private readonly Task _writing;

    private WriteLoad(IResilientRedis redis, Func<int, string, string> key, RetrySafety safety) =>
        _writing = Task.WhenAll(Enumerable.Range(0, 8).Select(writer => Task.Run(() => WriteAsync(redis, writer, key, safety))));

    public IReadOnlyCollection<Write> Acknowledged => _acknowledged;

    public IReadOnlyCollection<Failure> Failures => _failures;

    public TimeSpan LongestFailure => _failures.Select(failure => failure.Took).DefaultIfEmpty().Max();

    public static WriteLoad Start(IResilientRedis redis, RetrySafety safety = RetrySafety.Idempotent, Func<int, string, string>? key = null) =>
        new(redis, key ?? ((writer, n) => $"w{writer}:{n}"), safety);

    /// <summary>How long after <paramref name="at"/> the first write was acknowledged.</summary>
    public TimeSpan FirstSuccessAfter(long at, Func<Write, bool>? which = null) =>
        _acknowledged.Where(write => write.At >= at && which?.Invoke(write) != false).Select(write => Stopwatch.GetElapsedTime(at, write.At)).DefaultIfEmpty(TimeSpan.MaxValue).Min();

    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _writing;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stop.Dispose();
    }

    private async Task WriteAsync(IResilientRedis redis, int writer, Func<int, string, string> name, RetrySafety safety)
    {
        for (var i = 0; !_stop.IsCancellationRequested; i++)
        {
            var key = name(writer, $"{i}");
            var began = Stopwatch.GetTimestamp();
            try
            {
                await redis.ExecuteAsync(static (db, key) => db.StringSetAsync(key, 1), key, safety);
                _acknowledged.Enqueue(new(writer, key, Stopwatch.GetTimestamp(), Stopwatch.GetElapsedTime(began)));
            }
            catch (Exception error) when (error is not OutOfMemoryException)
            {
                _failures.Enqueue(new(writer, key, error, Stopwatch.GetElapsedTime(began)));
            }

            // The load shall find the fault, not the limit of the machine.
            await Task.Delay(2);
        }
    }

    internal sealed record Write(int Writer, string Key, long At, TimeSpan Took);

    internal sealed record Failure(int Writer, string Key, Exception Error, TimeSpan Took);
}
