using System.Net;
using Resilient.Redis.Options;
using Resilient.Redis.Resilience;

namespace Resilient.Redis.Connections;

/// <summary>Asks: does this connection answer, would a fresh one, and if not, why.</summary>
internal sealed class ConnectionProbe(ResolvedRedisOptions options, IRedisConnectionFactory factory, Availability availability, TimeProvider time)
{
    /// <summary>Sends one PING and waits for AttemptTimeout. An error reply is an answer.</summary>
    public async Task<Answer> AskAsync(PooledConnection connection, CancellationToken cancellationToken)
    {
        var result = await AskAsync(connection.Database.PingAsync(), cancellationToken).ConfigureAwait(false);
        if (result.Took is { } took)
            connection.Answered(took);
        return result.Answer;
    }

    /// <summary>Opens a connection beside the pool and asks that server for a PING: tells a dead connection from a dead server.</summary>
    public async Task<bool> FreshOneAnswersAsync(EndPoint endpoint, CancellationToken cancellationToken)
    {
        try
        {
            var fresh = await factory.ConnectAsync(
                driver =>
                {
                    driver.EndPoints.Clear();
                    driver.EndPoints.Add(endpoint);
                    driver.AbortOnConnectFail = true;
                    driver.ConnectRetry = 1;
                    driver.ConnectTimeout = (int)Math.Min(driver.ConnectTimeout, options.AttemptTimeout.TotalMilliseconds);
                },
                cancellationToken).WaitAsync(options.AttemptTimeout, time, cancellationToken).ConfigureAwait(false);

            // A member of a cluster brings the others along: then it must be this one that answers.
            var ping = fresh.GetEndPoints() is { Length: > 1 } all && all.Contains(endpoint) ? fresh.GetServer(endpoint).PingAsync() : fresh.GetDatabase().PingAsync();
            var result = await AskAsync(ping, cancellationToken).ConfigureAwait(false);
            await fresh.CloseAsync(allowCommandsToComplete: false).ConfigureAwait(false);
            return result.Answer == Answer.Yes;
        }
        catch (Exception error) when (!cancellationToken.IsCancellationRequested)
        {
            // The factory may be the application's own and throw anything; whatever it is, no fresh connection answers.
            availability.Saw(error);
            return false;
        }
    }

    /// <summary>Why nothing connects, as precisely as can be found out.</summary>
    public async Task<Exception> CauseAsync(PooledConnection connection, CancellationToken cancellationToken)
    {
        if (factory is RedisConnectionFactory { SentinelProblem: { } problem })
        {
            var away = NoPrimaryException.Wrapped(problem);
            availability.Saw(away);
            return away;
        }

        var last = availability.LastError;
        if (last is not null && RedisErrors.CodeOf(last) is not ("CONNECTION" or "CLOSED" or "HANDSHAKE" or "TIMEOUT"))
            return last;
        if (await ConnectDiagnosis.FindAsync(options, time, cancellationToken).ConfigureAwait(false) is { } found)
        {
            availability.Saw(found);
            return found;
        }

        // The port is fine, so it is what is said there: by now the driver has tried to log in, and has the reply.
        await AskAsync(connection, cancellationToken).ConfigureAwait(false);
        return availability.LastError ?? new TimeoutException();
    }

    private async Task<PingResult> AskAsync(Task<TimeSpan> ping, CancellationToken cancellationToken)
    {
        PingResult result;
        try
        {
            result = PingResult.Of(await ping.WaitAsync(options.AttemptTimeout, time, cancellationToken).ConfigureAwait(false));
        }
        catch (Exception error) when (PingResult.IsExpected(error) || error is OperationCanceledException)
        {
            result = PingResult.Of(error);
        }

        if (result.Error is { } fault)
            availability.Saw(fault);
        return result;
    }
}
