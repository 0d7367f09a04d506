using System.Net.Sockets;
using System.Security.Authentication;
using Resilient.Redis.Connections;
using StackExchange.Redis;

namespace Resilient.Redis.Resilience;

/// <summary>What a failure means for a retry.</summary>
internal enum Failure
{
    /// <summary>It certainly never reached Redis.</summary>
    NotSent,

    /// <summary>Redis refused it because of its own state, before running anything; it may pass later.</summary>
    Busy,

    /// <summary>It was sent, or may have been, and no reply came: nobody can know.</summary>
    Ambiguous,

    /// <summary>Redis said no, and a retry would hear no again.</summary>
    Refused,
}

/// <summary>The only place that knows what the driver's exceptions mean.</summary>
internal static class RedisErrors
{
    /// <summary>Whether it is the driver that failed; all else is the caller's own and leaves untouched.</summary>
    public static bool IsDriver(Exception error) => error is RedisException or RedisTimeoutException or RedisCommandException;

    public static Failure Classify(Exception error) => error switch
    {
        RedisUnavailableException { MayHaveExecuted: false } => Failure.NotSent,
        RedisServerException server => OfReply(server.Kind),
        RedisCommandException or RedisRefusedException => Failure.Refused,
        RedisConnectionException when CodeOf(error) is "NOAUTH" or "WRONGPASS" or "TLS" => Failure.Refused,
        RedisConnectionException { CommandStatus: CommandStatus.WaitingToBeSent or CommandStatus.WaitingInBacklog } => Failure.NotSent,
        RedisTimeoutException { Commandstatus: CommandStatus.WaitingToBeSent or CommandStatus.WaitingInBacklog } => Failure.NotSent,
        ObjectDisposedException => Failure.NotSent,     // the pool swapped this connection: take another
        _ => Failure.Ambiguous,
    };

    /// <summary>Whether an error reply, here or at connecting, is behind it: then Redis is there and answers.</summary>
    public static bool IsAnswer(Exception error) => error is RedisServerException;

    /// <summary>The cluster is voting for a new primary of some shard, and by default serves no key meanwhile.</summary>
    public static bool IsClusterDown(Exception error) => error is RedisServerException { Kind: RedisErrorKind.ClusterDown };

    /// <summary>The first word of the error reply, or a word of our own for what has none: DNS, REFUSED, TLS, HANDSHAKE, CLOSED, SENTINEL, TIMEOUT, COMMAND, CONNECTION.</summary>
    public static string CodeOf(Exception error)
    {
        // It ends the connect in the middle, which looks like many another fault from outside.
        if (error is NoPrimaryException || HasInner<NoPrimaryException>(error))
            return "SENTINEL";
        for (var inner = error; inner is not null; inner = inner.InnerException)
        {
            switch (inner)
            {
                case RedisServerException { Kind: RedisErrorKind.MaxClients }:
                    return "MAXCLIENTS";
                case RedisServerException { Kind: not RedisErrorKind.ConnectionFault } server:
                    return FirstWord(server.Message);
                case SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.TryAgain or SocketError.NoData or SocketError.NoRecovery }:
                    return "DNS";
                case SocketException { SocketErrorCode: SocketError.ConnectionRefused }:
                    return "REFUSED";
                case AuthenticationException:
                    return "TLS";
                case IOException when error is RedisConnectionException { FailureType: ConnectionFailureType.AuthenticationFailure }:
                    return "HANDSHAKE";
                case RedisConnectionException when (inner.Data["Redis-Origin"] as string) == "ConnectedAsync" && !HasInner<AuthenticationException>(inner):
                    return "HANDSHAKE";     // where the driver negotiates TLS
                case RedisConnectionException { FailureType: ConnectionFailureType.SocketClosed, CommandStatus: CommandStatus.Unknown } when inner != error:
                    return "CLOSED";
            }

            // The driver wraps the NOAUTH reply to its own handshake in a plain exception.
            if (inner.Message.Contains("NOAUTH", StringComparison.Ordinal))
                return "NOAUTH";
            if (inner.Message.Contains("WRONGPASS", StringComparison.Ordinal))
                return "WRONGPASS";
        }

        return error switch
        {
            RedisConnectionException { FailureType: ConnectionFailureType.Loading } => "LOADING",
            TimeoutException => "TIMEOUT",
            RedisCommandException => "COMMAND",
            _ => "CONNECTION",
        };
    }

    /// <summary>"Operation canceled": the driver closed its own socket, for a reason that is told elsewhere.</summary>
    public static bool IsGivingUp(Exception error)
    {
        while (error.InnerException is { } inner)
            error = inner;
        return error is SocketException { SocketErrorCode: SocketError.OperationAborted } or OperationCanceledException;
    }

    private static Failure OfReply(RedisErrorKind kind) => kind switch
    {
        RedisErrorKind.Loading or RedisErrorKind.Busy or RedisErrorKind.TryAgain or RedisErrorKind.ClusterDown or RedisErrorKind.MasterDown
            or RedisErrorKind.NoReplicas or RedisErrorKind.Misconfigured or RedisErrorKind.MaxClients or RedisErrorKind.ReadOnly => Failure.Busy,
        RedisErrorKind.ConnectionFault => Failure.Ambiguous,
        _ => Failure.Refused,
    };

    private static bool HasInner<T>(Exception error)
    {
        for (var inner = error.InnerException; inner is not null; inner = inner.InnerException)
        {
            if (inner is T)
                return true;
        }

        return false;
    }

    private static string FirstWord(string reply)
    {
        var end = reply.AsSpan().IndexOfAny(' ', ':');
        return end < 0 ? reply : reply[..end];
    }
}
