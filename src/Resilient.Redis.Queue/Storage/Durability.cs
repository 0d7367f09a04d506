using StackExchange.Redis;

namespace Resilient.Redis.Queue.Storage;

/// <summary>Asks Redis whether what it has accepted is on replicas, and on disk: WAIT and WAITAOF, on a connection of its own.</summary>
/// <remarks>
/// Both hold up all that is behind them on their connection, so nothing else uses this one, and callers that wait at the same time share a round.
/// Both count what was written on their own connection. So a round begins with a small write: what is replicated in order up to that is all that was
/// accepted before it, by whichever connection, and also what an earlier attempt had written.
/// </remarks>
internal sealed class Durability(QueueKeys keys, JobQueueOptions options, IRedisConnectionFactory connections, TimeProvider time) : IAsyncDisposable, IDisposable
{
    private static readonly TimeSpan s_timeForReply = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan s_onTheWay = TimeSpan.FromMilliseconds(500);

    private readonly Lock _gate = new();
    private readonly List<Caller> _waiting = [];
    private readonly CancellationTokenSource _closing = new();
    private Task<IConnectionMultiplexer>? _opening;
    private Task _running = Task.CompletedTask;
    private bool _isRunning;

    /// <summary>Opens the connection and finds out whether the server can do what is asked; before anything is enqueued that depends on it.</summary>
    /// <exception cref="RedisUnavailableException">It cannot be opened now; nothing was sent.</exception>
    /// <exception cref="RedisRefusedException">The server does not have what is asked; nothing was sent.</exception>
    public async ValueTask OpenAsync(TimeSpan longest, CancellationToken cancellationToken)
    {
        try
        {
            await OpenedAsync().WaitAsync(longest > TimeSpan.Zero ? longest : TimeSpan.Zero, time, cancellationToken).ConfigureAwait(false);
        }
        catch (RedisServerException refused) when (refused.Kind == RedisErrorKind.UnknownCommand || refused.Message.StartsWith("ERR", StringComparison.Ordinal))
        {
            var (command, least, setting) = options.RequireFsync ? ("WAITAOF", "Redis 7.2 with appendonly", nameof(options.RequireFsync)) : ("WAIT", "Redis 3.0", nameof(options.ReplicaAcks));
            throw new RedisRefusedException(
                $"JobQueueOptions.{setting} needs {command}, which is there from {least} on; this server does not do it: {refused.Message} Use such a server, or leave the setting out.",
                command, isTransient: false, refused);
        }
        catch (Exception error) when (error is RedisException or TimeoutException)
        {
            throw new RedisUnavailableException($"The connection that asks for replicas' acknowledgement could not be opened: {error.Message}", mayHaveExecuted: false, error);
        }
    }

    /// <summary>Waits until what was accepted before is where the options want it, for <see cref="JobQueueOptions.ReplicaAckTimeout"/> and never longer than <paramref name="longest"/>.</summary>
    public async ValueTask<Confirmation> ConfirmAsync(IReadOnlyList<JobId> ids, TimeSpan longest, CancellationToken cancellationToken)
    {
        var caller = new Caller([.. ids.Select(id => (object)keys.Job(id))]);
        lock (_gate)
        {
            _waiting.Add(caller);
            if (!_isRunning)
            {
                _isRunning = true;
                _running = Task.Run(RunAsync, CancellationToken.None);
            }
        }

        // A little longer than Redis waits, so that its count comes back; a caller who came while another round went on may get no more than "not known".
        var patience = options.ReplicaAckTimeout + s_onTheWay < longest ? options.ReplicaAckTimeout + s_onTheWay : longest;
        try
        {
            return await caller.Answer.Task.WaitAsync(patience > TimeSpan.Zero ? patience : TimeSpan.Zero, time, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException error)
        {
            return new Confirmation(HasJobs: true, Replicas: null, OnDisk: false, error);
        }
    }

    /// <summary>What is missing, in words; null when all is as the options want it.</summary>
    public string? ShortageOf(Confirmation confirmed) => confirmed switch
    {
        { Replicas: null } => $"within {options.ReplicaAckTimeout} it was not known whether it is replicated: {confirmed.Cause?.Message}",
        { Replicas: { } replicas } when replicas < options.ReplicaAcks => $"within {options.ReplicaAckTimeout} {replicas} of the {options.ReplicaAcks} replicas that JobQueueOptions.ReplicaAcks asks for had it",
        { OnDisk: false } => $"within {options.ReplicaAckTimeout} Redis did not have it on its disk (JobQueueOptions.RequireFsync)",
        _ => null,
    };

    /// <summary>Whoever still waits is told that nothing is known.</summary>
    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync().ConfigureAwait(false);
        Task<IConnectionMultiplexer>? opening;
        lock (_gate)
            opening = _opening;
        if (opening is { IsCompletedSuccessfully: true })
            await (await opening.ConfigureAwait(false)).CloseAsync(allowCommandsToComplete: false).ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        _closing.Dispose();
    }

    /// <summary>For a container that is disposed in the old way: nothing of it is waited for.</summary>
    public void Dispose() => _ = DisposeAsync().AsTask();

    private Task<IConnectionMultiplexer> OpenedAsync()
    {
        lock (_gate)
        {
            if (_opening is null or { IsFaulted: true } or { IsCanceled: true })
                _opening = ConnectAsync();
            return _opening;
        }
    }

    private async Task<IConnectionMultiplexer> ConnectAsync()
    {
        var connection = await connections.ConnectAsync(Adjust, _closing.Token).ConfigureAwait(false);
        try
        {
            await Task.WhenAll(Questions(connection.GetServer(keys.Root), least: TimeSpan.FromMilliseconds(1), none: true)).ConfigureAwait(false);
            return connection;
        }
        catch
        {
            await connection.CloseAsync(allowCommandsToComplete: false).ConfigureAwait(false);
            throw;
        }

        void Adjust(ConfigurationOptions driver)
        {
            driver.AsyncTimeout = Math.Max(driver.AsyncTimeout, (int)(options.ReplicaAckTimeout + s_timeForReply).TotalMilliseconds);
            driver.SyncTimeout = driver.AsyncTimeout;
            driver.AbortOnConnectFail = true;
            driver.ClientName = $"{driver.ClientName}:{keys.Queue}:durability".Replace(' ', '-');
        }
    }

    private async Task RunAsync()
    {
        while (true)
        {
            Caller[] callers;
            lock (_gate)
            {
                callers = [.. _waiting];
                _waiting.Clear();
                if (callers.Length == 0)
                {
                    _isRunning = false;
                    return;
                }
            }

            await AnswerAsync(callers).ConfigureAwait(false);
        }
    }

    private async Task AnswerAsync(Caller[] callers)
    {
        try
        {
            await RoundAsync(callers).ConfigureAwait(false);
        }
        catch (Exception error) // What was accepted stays accepted; whatever the error is, each caller is told that more is not known.
        {
            foreach (var caller in callers)
                caller.Answer.TrySetResult(new Confirmation(HasJobs: true, Replicas: null, OnDisk: false, error));
        }
    }

    private async Task RoundAsync(Caller[] callers)
    {
        var connection = await OpenedAsync().ConfigureAwait(false);
        var server = connection.GetServer(keys.Root); // on a cluster the node that has the queue's slot

        // In this order on one socket. A socket that broke in between would have WAIT count nothing, and say yes: so the connection's id is
        // asked for before and after. And a server that took over without the jobs would say yes too: so they are looked for there.
        var before = AskAsync(server, "CLIENT", "ID");
        Task<RedisResult>[] known = [.. callers.Select(caller => AskAsync(server, "EXISTS", caller.Keys))];
        var mark = AskAsync(server, "SET", keys.Mark, "");
        var questions = Questions(server, options.ReplicaAckTimeout, none: false);
        var after = AskAsync(server, "CLIENT", "ID");
        await Task.WhenAll([before, .. known, mark, .. questions, after]).ConfigureAwait(false);

        if ((long)await before.ConfigureAwait(false) != (long)await after.ConfigureAwait(false))
            throw new RedisUnavailableException("The connection was lost while replicas were waited for.", mayHaveExecuted: true);
        var onDisk = !options.RequireFsync || (long)(await questions[0].ConfigureAwait(false))[0] > 0;
        var replicas = options.ReplicaAcks == 0 ? 0 : (int)await questions[^1].ConfigureAwait(false);
        for (var i = 0; i < callers.Length; i++)
            callers[i].Answer.TrySetResult(new Confirmation((long)await known[i].ConfigureAwait(false) == callers[i].Keys.Length, replicas, onDisk, null));
    }

    /// <summary>WAITAOF first where it is asked for, then WAIT where that is.</summary>
    private List<Task<RedisResult>> Questions(IServer server, TimeSpan least, bool none)
    {
        var ms = (long)least.TotalMilliseconds;
        List<Task<RedisResult>> questions = [];
        if (options.RequireFsync)
            questions.Add(AskAsync(server, "WAITAOF", 1, 0, ms));
        if (options.ReplicaAcks > 0)
            questions.Add(AskAsync(server, "WAIT", none ? 0 : options.ReplicaAcks, ms));
        return questions;
    }

    /// <summary>Never sent on to another node: that would be another connection.</summary>
    private static Task<RedisResult> AskAsync(IServer server, string command, params object[] arguments) =>
        server.ExecuteAsync(command, arguments, CommandFlags.NoRedirect);

    private sealed record Caller(object[] Keys)
    {
        public TaskCompletionSource<Confirmation> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
