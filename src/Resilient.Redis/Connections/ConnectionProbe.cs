using Resilient.Redis.Options;
using Resilient.Redis.Resilience;
using StackExchange.Redis;

namespace Resilient.Redis.Connections;

/// <summary>Asks: does this connection answer, would a fresh one, and if not, why.</summary>
internal sealed class ConnectionProbe(ResolvedRedisOptions options, IRedisConnectionFactory factory, Availability availability, TimeProvider time)
{
    /// <summary>Sends one PING and waits for AttemptTimeout. An error reply is an answer.</summary>
    public async Task<Answer> AskAsync(PooledConnection connection, CancellationToken cancellationToken)
    {
        var sent = time.GetTimestamp();
        try
        {
            await connection.Database.PingAsync().WaitAsync(options.AttemptTimeout, time, cancellationToken).ConfigureAwait(false);
            connection.Latency = time.GetElapsedTime(sent);
            return Answer.Yes;
        }
        catch (RedisServerException error)
        {
            availability.Saw(error);
            return Answer.Yes;
        }
        catch (TimeoutException error)
        {
            availability.Saw(error);
            return Answer.None;
        }
        catch (Exception error) when (error is RedisException or RedisCommandException or ObjectDisposedException or OperationCanceledException)
        {
            if (error is RedisException or RedisCommandException)
                availability.Saw(error);
            return Answer.NotConnected;
        }
    }

    /// <summary>Opens a connection beside the pool and asks it for a PING: tells a dead connection from a dead server.</summary>
    public async Task<bool> FreshOneAnswersAsync(CancellationToken cancellationToken)
    {
        try
        {
            var connection = await factory.ConnectAsync(
                driver =>
                {
                    driver.AbortOnConnectFail = true;
                    driver.ConnectRetry = 1;
                    driver.ConnectTimeout = (int)Math.Min(driver.ConnectTimeout, options.AttemptTimeout.TotalMilliseconds);
                },
                cancellationToken).WaitAsync(options.AttemptTimeout, time, cancellationToken).ConfigureAwait(false);
            var fresh = new PooledConnection(-1, connection, new SocketSet(), time);
            var answer = await AskAsync(fresh, cancellationToken).ConfigureAwait(false);
            await fresh.CloseAsync().ConfigureAwait(false);
            return answer == Answer.Yes;
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
}

/// <summary>What a PING came to.</summary>
internal enum Answer
{
    Yes,
    None,
    NotConnected,
}
