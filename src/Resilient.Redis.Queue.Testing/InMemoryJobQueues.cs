using System.Text.Json;
using Resilient.Redis.Queue.Registration;
using Resilient.Redis.Queue.Storage;
using Resilient.Redis.Queue.Testing.Memory;

namespace Resilient.Redis.Queue.Testing;

/// <summary>Queues in memory, for tests: what was enqueued, and when all of it is done. Safe for concurrent use.</summary>
/// <remarks>Hosts that are given the same object share its queues, as processes share a Redis.</remarks>
public sealed class InMemoryJobQueues
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(50);

    private readonly Lock _gate = new();
    private readonly List<Entry> _entries = [];
    private readonly TimeProvider _time;
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Makes them empty.</summary>
    /// <param name="time">Their server's clock; the system's by default. With a <c>FakeTimeProvider</c> a test decides when a delay is over: register the same one in the container.</param>
    public InMemoryJobQueues(TimeProvider? time = null) => _time = time ?? TimeProvider.System;

    /// <summary>All jobs of this type that were accepted, follow-ups too, oldest first, whatever became of them. Needs no worker.</summary>
    /// <param name="queue">The queue; all that are in use when null.</param>
    /// <exception cref="JsonException">A job of this name is no JSON of this type.</exception>
    public IReadOnlyList<EnqueuedJob<TJob>> Enqueued<TJob>(string? queue = null) =>
        [.. Entries().Where(entry => queue is null || entry.Store.Queue == queue).SelectMany(ReadAll<TJob>)];

    /// <summary>Waits until nothing waits, is due or runs in any queue, and no follow-up is on its way. What is scheduled for later is left alone.</summary>
    /// <param name="timeout">The longest wait, in real time; 30 s by default.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="TimeoutException">Jobs are still there; the message tells how many. Is there a worker with a handler for them?</exception>
    public async Task WaitUntilIdleAsync(TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        var startedAt = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var changed = Volatile.Read(ref _changed).Task;
            string[] busy = [.. Entries().Select(entry => entry.Store.DescribeWork()).OfType<string>()];
            if (busy.Length == 0)
                return;
            var left = (timeout ?? s_patience) - TimeProvider.System.GetElapsedTime(startedAt);
            if (left <= TimeSpan.Zero)
                throw new TimeoutException($"The queues are not idle: {string.Join("; ", busy)}. Does a worker run that has handlers for these jobs, and do they end?");

            // Under a clock that stands still a worker sleeps until somebody rings.
            foreach (var entry in Entries())
                entry.Store.RingAll();
            await Task.WhenAny(changed, Task.Delay(left < s_look ? left : s_look, TimeProvider.System, cancellationToken)).ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    /// <summary>The store of a queue: one for each key prefix and name, whoever asks.</summary>
    internal InMemoryJobStore StoreOf(QueueRegistration queue, JobQueueOptions options)
    {
        lock (_gate)
        {
            if (_entries.Find(entry => entry.Prefix == options.KeyPrefix && entry.Store.Queue == queue.Name) is { } known)
                return known.Store;
            var store = new InMemoryJobStore(queue.Name, options, ServerTime) { Changed = OnChanged };
            _entries.Add(new Entry(options.KeyPrefix, store, queue.JobNames, new JobSerializer(options.SerializerOptions)));
            return store;
        }
    }

    private Entry[] Entries()
    {
        lock (_gate)
            return [.. _entries];
    }

    private static IEnumerable<EnqueuedJob<TJob>> ReadAll<TJob>(Entry entry)
    {
        var name = entry.Names.Of<TJob>();
        foreach (var job in entry.Store.Arrived.Where(job => job.Name == name))
        {
            var (headers, payload) = JobEnvelope.Read(job.Body);
            yield return new EnqueuedJob<TJob>
            {
                Id = job.Id,
                Queue = entry.Store.Queue,
                Job = entry.Serializer.Read<TJob>(payload.Span) ?? throw new JsonException($"Job {job.Id} is null."),
                Headers = headers,
                Delay = job.Delay,
                UniqueKey = job.UniqueKey.Length > 0 ? job.UniqueKey : null,
            };
        }
    }

    private long ServerTime() => (_time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;

    private void OnChanged() =>
        Interlocked.Exchange(ref _changed, new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();

    private sealed record Entry(string Prefix, InMemoryJobStore Store, JobNames Names, JobSerializer Serializer);
}
