using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Resilient.Redis.Diagnostics;

namespace Resilient.Redis.Tests.Faults;

/// <summary>Eight callers that never stop, and beside them a thread that asks for health: what a service sees of a fault.</summary>
internal sealed class Load : IAsyncDisposable
{
    private const int Callers = 8;

    /// <summary>Of ordinary successes, one in so much time is kept: there are fifty thousand a second.</summary>
    private static readonly TimeSpan s_sample = TimeSpan.FromMilliseconds(10);

    private readonly ResilientRedis _redis;
    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentQueue<Call> _calls = new();
    private readonly ConcurrentQueue<HealthAnswer> _health = new();
    private readonly Func<int, Task> _call;
    private readonly Task _calling;
    private readonly Thread _asking;
    private long _succeeded;

    private Load(ResilientRedis redis, Func<int, Task> call)
    {
        _redis = redis;
        _call = call;
        _calling = Task.WhenAll(Enumerable.Range(0, Callers).Select(caller => Task.Run(() => CallAsync(caller))));
        _asking = new Thread(AskForHealth) { IsBackground = true };
        _asking.Start();
    }

    /// <summary>All failures, the first success after each, every slow one, and a sample of the others; in the order in which they ended.</summary>
    public IReadOnlyCollection<Call> Calls => _calls;

    public long Succeeded => Interlocked.Read(ref _succeeded);

    public IReadOnlyCollection<HealthAnswer> Health => _health;

    public TimeSpan LongestCall => _calls.Max(call => call.Took);

    public TimeSpan HealthP99 => Percentile(_health.Select(answer => answer.Took), 0.99);

    public static Load Start(ResilientRedis redis, RetrySafety safety = RetrySafety.IfNotSent) =>
        Start(redis, caller => redis.ExecuteAsync(static (db, key) => db.StringIncrementAsync(key), $"load:{caller}", safety).AsTask());

    /// <param name="redis">Whose health is asked for.</param>
    /// <param name="call">One call of a caller, numbered from 0.</param>
    public static Load Start(ResilientRedis redis, Func<int, Task> call) => new(redis, call);

    public static long Now => Stopwatch.GetTimestamp();

    public static TimeSpan Percentile(IEnumerable<TimeSpan> values, double share)
    {
        var sorted = values.Order().ToArray();
        return sorted[(int)((sorted.Length - 1) * share)];
    }

    public IEnumerable<Call> Failures(long since = 0, long until = long.MaxValue) => _calls.Where(call => call.Error is not null && call.Began >= since && call.Ended <= until);

    /// <summary>From <paramref name="moment"/> to the end of the first call that ended well after it; waits for that.</summary>
    public async Task<TimeSpan> FirstSuccessAfterAsync(long moment, TimeSpan within)
    {
        var found = TimeSpan.Zero;
        await TestKit.Eventually.TrueAsync(
            () =>
            {
                var first = _calls.FirstOrDefault(call => call.Error is null && call.Ended >= moment);
                if (first is not null)
                    found = Stopwatch.GetElapsedTime(moment, first.Ended);
                return first is not null;
            },
            within,
            () => Summary());
        return found;
    }

    /// <summary>Lets the calls under way end, and starts no more.</summary>
    public async Task StopAsync()
    {
        await _stopping.CancelAsync();
        await _calling;
        _asking.Join();
    }

    /// <summary>One line for the table: counts, errors by type, longest call, health.</summary>
    public string Summary()
    {
        var errors = _calls.Where(call => call.Error is not null).GroupBy(call => call.Error!.GetType().Name).Select(group => $"{group.Count()} {group.Key}");
        return string.Create(CultureInfo.InvariantCulture,
            $"{Succeeded} calls went well, {string.Join(", ", errors.DefaultIfEmpty("none failed"))}; longest call {LongestCall.TotalMilliseconds:0} ms; health p99 {HealthP99.TotalMilliseconds:0.00} ms of {_health.Count} answers");
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stopping.Dispose();
    }

    private async Task CallAsync(int caller)
    {
        Call? kept = null;
        while (!_stopping.IsCancellationRequested)
        {
            var began = Now;
            Exception? error = null;
            try
            {
                await _call(caller);
            }
            catch (Exception failure)
            {
                error = failure;
            }

            if (error is null)
                Interlocked.Increment(ref _succeeded);
            if (error is not null || kept is not { Error: null } || Stopwatch.GetElapsedTime(kept.Ended) > s_sample)
                _calls.Enqueue(kept = new Call(caller, began, Now, error));

            // A caller that fails at once would otherwise burn the processor that the recovery needs.
            if (error is not null)
                await Task.Delay(TimeSpan.FromMilliseconds(5));
        }
    }

    private void AskForHealth()
    {
        var check = new RedisHealthCheck(_redis, TimeProvider.System);
        var context = new HealthCheckContext { Registration = new("redis", check, null, null) };
        while (!_stopping.Token.WaitHandle.WaitOne(TimeSpan.FromMilliseconds(10)))
        {
            var began = Now;
            var answer = check.CheckHealthAsync(context).GetAwaiter().GetResult(); // on this thread alone: a check that waits shows
            _health.Enqueue(new HealthAnswer(began, Stopwatch.GetElapsedTime(began), answer));
        }
    }
}

/// <param name="Caller">Which of the eight.</param>
/// <param name="Began">When, as a timestamp.</param>
/// <param name="Ended">When it came back, as a timestamp.</param>
/// <param name="Error">What it threw; null when it went well.</param>
internal sealed record Call(int Caller, long Began, long Ended, Exception? Error)
{
    public TimeSpan Took => Stopwatch.GetElapsedTime(Began, Ended);
}

/// <param name="At">When it was asked for.</param>
/// <param name="Took">How long the answer took.</param>
/// <param name="Result">The answer.</param>
internal sealed record HealthAnswer(long At, TimeSpan Took, HealthCheckResult Result);
