using System.Net.Sockets;
using Resilient.Redis.Options;
using StackExchange.Redis;

namespace Resilient.Redis.Resilience;

/// <summary>Messages in three parts: what was tried, what happened, what to do. None repeats a connection string, a key or a value.</summary>
internal sealed class RedisErrorText(ResolvedRedisOptions options)
{
    /// <summary>Turns a failure into what leaves the library, with the driver's exception inside.</summary>
    /// <param name="tried">"the command", "the PING", "opening a connection".</param>
    /// <param name="error">The driver's exception.</param>
    /// <param name="mayHaveExecuted">Whether an earlier attempt of the same call may have run.</param>
    /// <param name="diagnosis">Why no reply came, where that was found out.</param>
    public ResilientRedisException ToException(string tried, Exception error, bool mayHaveExecuted, Diagnosis? diagnosis = null)
    {
        var failure = RedisErrors.Classify(error);
        var code = CodeOf(error);
        mayHaveExecuted |= failure == Failure.Ambiguous;
        var fate = mayHaveExecuted ? "may have been run" : "was not run";
        var message = $"{options.Title} at {options.Endpoint}: {tried} failed and {fate}: {Cause(error)}{(diagnosis is null ? "" : ": " + diagnosis.Finding)}. {diagnosis?.Advice ?? Advice(code)}";
        return failure == Failure.Refused
            ? new RedisRefusedException(message, code, isTransient: code == "OOM", error)
            : new RedisUnavailableException(message, mayHaveExecuted, error);
    }

    /// <summary>The driver reports a wrong password as a missing one: its refused login is followed by commands without one.</summary>
    public string CodeOf(Exception error)
    {
        var code = RedisErrors.CodeOf(error);
        return code == "NOAUTH" && options.Driver.Password is { Length: > 0 } ? "WRONGPASS" : code;
    }

    /// <summary>What happened, in one line.</summary>
    public string Cause(Exception error)
    {
        var code = CodeOf(error);
        return code switch
        {
            "DNS" => "the host name is not known to DNS",
            "REFUSED" => "nobody listens there (connection refused)",
            "TLS" => "TLS was not agreed on: " + Line(Innermost(error).Message),
            "HANDSHAKE" => "the TLS handshake ended without an answer",
            "CLOSED" => "the server closed the connection",
            "WRONGPASS" when RedisErrors.CodeOf(error) == "NOAUTH" => "the server said: WRONGPASS, it does not accept this user name and password",
            "SENTINEL" => Line(Innermost(error).Message),
            "TIMEOUT" => $"no reply within {OptionsCheck.Text(options.AttemptTimeout)}",
            "COMMAND" => Line(error.Message),
            "CONNECTION" => Lost(error),
            _ => Reply(error, code),
        };
    }

    /// <summary>What to do about it.</summary>
    public string Advice(string code) => code switch
    {
        "OOM" => "Redis has reached maxmemory: raise it, or let it evict keys that may go.",
        "READONLY" => $"This server is a replica: point {options.ConnectionSource} at the primary.",
        "LOADING" => "Redis is reading its data from disk and answers soon: wait.",
        "BUSY" => "A script blocks the server: wait, or end it with SCRIPT KILL.",
        "MISCONF" => "Redis cannot write to its disk and so refuses writes: free disk space, or mend its save settings.",
        "NOAUTH" => $"Redis wants a password: put it into {options.ConnectionSource}.",
        "WRONGPASS" => $"Correct the user name and password in {options.ConnectionSource}.",
        "NOPERM" => "The user lacks a permission: grant it with ACL SETUSER, or use another user.",
        "WRONGTYPE" => "The key holds another kind of value: use another key, or delete that one.",
        "CROSSSLOT" => "Give the keys of one command the same {hash tag}.",
        "MAXCLIENTS" => "Redis has as many clients as it takes: raise maxclients, or lower PoolSize (REDIS_CONNECTION_POOL_SIZE).",
        "NOREPLICAS" => "Redis wants more replicas before it takes writes: start them, or lower min-replicas-to-write.",
        "CLUSTERDOWN" or "MASTERDOWN" or "TRYAGAIN" => "The cluster is being rearranged: wait; if it lasts, look at CLUSTER INFO.",
        "DNS" => $"Check the host name in {options.ConnectionSource}.",
        "REFUSED" => $"Check that Redis runs, and the host and port in {options.ConnectionSource}.",
        "TLS" => $"Check the certificate, and sslHost in {options.ConnectionSource}.",
        "HANDSHAKE" => $"If that port speaks plain text, write redis:// instead of rediss:// (or ssl=false) in {options.ConnectionSource}.",
        "CLOSED" => $"Check the server; if it closes every new connection, check its maxclients, and that {options.ConnectionSource} names a Redis and no other service.",
        "SENTINEL" => $"Check that the sentinels run, and their addresses and the serviceName in {options.ConnectionSource}; during a failover, wait.",
        "TIMEOUT" => $"If Redis is only slow, raise {options.TimeoutSource}; else check the server and the network.",
        "CONNECTION" => $"Check the server and the network; if this never worked, check {options.ConnectionSource} too.",
        "COMMAND" => "Correct the call; the driver refused to send it.",
        _ => "Correct the call; Redis will answer the same again.",
    };

    private static string Lost(Exception error) => error switch
    {
        RedisConnectionException { CommandStatus: CommandStatus.Sent } lost => $"the connection was lost before the reply ({lost.FailureType})",
        RedisConnectionException lost => Innermost(error) is SocketException socket ? Line(socket.Message) : $"there is no connection ({lost.FailureType})",
        ObjectDisposedException => "the connection was closed",
        _ => Line(error.Message),
    };

    private static string Reply(Exception error, string code)
    {
        for (var inner = error; inner is not null; inner = inner.InnerException)
        {
            // "ERR unknown command 'x', with args beginning with: ..." would repeat the caller's values.
            if (inner is RedisServerException && inner.Message.StartsWith(code, StringComparison.Ordinal))
                return "the server said: " + Line(inner.Message.Split(", with args", 2)[0]);
        }

        return "the server said: " + code;
    }

    private static Exception Innermost(Exception error)
    {
        while (error.InnerException is { } inner)
            error = inner;
        return error;
    }

    private static string Line(string text)
    {
        var end = text.AsSpan().IndexOfAny('\r', '\n');
        text = end < 0 ? text : text[..end];
        return (text.Length > 300 ? text[..300] : text).TrimEnd('.');
    }
}
