using System.Diagnostics;
using System.Runtime.CompilerServices;
using Resilient.Redis.Queue.Storage;

namespace Resilient.Redis.Queue.Producing;

/// <summary>Callers who meet share one script call: who comes while a call is under way waits for its end, and goes with all others who wait.</summary>
/// <remarks>
/// Who is alone waits for nobody. A failed call has failed for all of its callers, and each decides for itself what to do next.
/// Not where the queue has a limit: a call is accepted whole or not at all, so one caller's jobs could have another's refused.
/// </remarks>
internal sealed class SharedCalls(JobStore store, TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly LinkedList<Caller> _waiting = new();
    private bool _isUnderWay; // one at a time: two are smaller each, and cost more than they save, since the connection has one socket

    /// <param name="jobs">The caller's.</param>
    /// <param name="notAfter">As in <see cref="JobStore.EnqueueAsync(IReadOnlyList{NewJob}, long, CancellationToken)"/>.</param>
    /// <param name="longest">How long the caller may wait for the end of others' calls and of its own.</param>
    /// <param name="cancellationToken">Stops waiting; others who are in the same call go on.</param>
    public ValueTask<EnqueueReply> EnqueueAsync(IReadOnlyList<NewJob> jobs, long notAfter, TimeSpan longest, CancellationToken cancellationToken)
    {
        if (store.MaxLength is not null)
            return store.EnqueueAsync(jobs, notAfter, cancellationToken);

        return TryBegin(jobs, notAfter) is { } waiting ? WaitAsync(waiting, longest, cancellationToken) : AloneAsync(jobs, notAfter, cancellationToken);
    }

    /// <summary>Null for who may go at once.</summary>
    private Caller? TryBegin(IReadOnlyList<NewJob> jobs, long notAfter)
    {
        lock (_gate)
        {
            if (!_isUnderWay)
            {
                _isUnderWay = true;
                return null;
            }

            var caller = new Caller(jobs, notAfter);
            caller.Place = _waiting.AddLast(caller);
            return caller;
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<EnqueueReply> AloneAsync(IReadOnlyList<NewJob> jobs, long notAfter, CancellationToken cancellationToken)
    {
        try
        {
            return await store.EnqueueAsync(jobs, notAfter, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _ = TogetherAsync(Take()); // its callers await it; it throws nothing
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<EnqueueReply> WaitAsync(Caller caller, TimeSpan longest, CancellationToken cancellationToken)
    {
        try
        {
            return await caller.Task.WaitAsync(longest > TimeSpan.Zero ? longest : TimeSpan.Zero, time, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException) when (!caller.Task.IsFaulted)
        {
            throw new RedisUnavailableException(
                "The calls before it took all its time. Redis or the network is slow: look at Redis, or raise ResilientRedisOptions.TotalTimeout (REDIS_TIMEOUT).",
                mayHaveExecuted: !TryGiveUp(caller));
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            TryGiveUp(caller);
            throw;
        }
    }

    /// <summary>What has not been sent yet never is. Else it may be stored, as with a call that has one caller.</summary>
    private bool TryGiveUp(Caller caller)
    {
        lock (_gate)
        {
            if (caller.Place is not { List: not null } place)
                return false;
            _waiting.Remove(place);
            return true;
        }
    }

    /// <summary>Who goes in the next call; with nobody, none is under way.</summary>
    private List<Caller> Take()
    {
        var callers = new List<Caller>();
        lock (_gate)
        {
            var (jobs, bytes) = (0, 0L);
            while (_waiting.First is { Value: var next } && (callers.Count == 0 || (jobs + next.Jobs.Count <= RedisJobQueue.MostInOneCall && bytes + next.Bytes <= RedisJobQueue.MostBytesInOneCall)))
            {
                _waiting.RemoveFirst();
                callers.Add(next);
                (jobs, bytes) = (jobs + next.Jobs.Count, bytes + next.Bytes);
            }

            _isUnderWay = callers.Count > 0;
        }

        return callers;
    }

    /// <summary>A call has ended: those who wait go next, and after them who has come meanwhile, until nobody waits.</summary>
    private async Task TogetherAsync(List<Caller> callers)
    {
        for (; callers.Count > 0; callers = Take())
        {
            Activity.Current = null; // it belongs to no single caller
            try
            {
                await SendAsync(callers).ConfigureAwait(false);
            }
            catch (Exception error) // Whatever it is, each of them is told.
            {
                foreach (var caller in callers)
                {
                    caller.TrySetException(error);
                    _ = caller.Task.Exception; // who has stopped waiting does not look: it is no unobserved exception
                }
            }
        }
    }

    private async ValueTask SendAsync(List<Caller> callers)
    {
        var jobs = new List<NewJob>(callers.Count);
        var (notAfter, until) = (long.MaxValue, 0L);
        foreach (var caller in callers)
        {
            jobs.AddRange(caller.Jobs);
            (notAfter, until) = (Math.Min(notAfter, caller.NotAfter), Math.Max(until, caller.NotAfter));
        }

        var reply = await store.EnqueueAsync(jobs, notAfter, until, CancellationToken.None).ConfigureAwait(false);
        var from = 0;
        foreach (var caller in callers)
        {
            var to = from + caller.Jobs.Count;
            caller.TrySetResult(callers.Count == 1 ? reply : reply with { Answers = reply.Answers[from..to] });
            from = to;
        }
    }

    private sealed class Caller(IReadOnlyList<NewJob> jobs, long notAfter) : TaskCompletionSource<EnqueueReply>(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public IReadOnlyList<NewJob> Jobs => jobs;

        public long NotAfter => notAfter;

        public long Bytes { get; } = jobs.Sum(job => (long)job.Body.Length);

        /// <summary>Among those who wait; in no list once it goes.</summary>
        public LinkedListNode<Caller>? Place { get; set; }
    }
}
