using System.Net.Sockets;
using Resilient.Redis.Options;
using Resilient.Redis.Resilience;
using StackExchange.Redis;

namespace Resilient.Redis.Tests.Unit;

public sealed class RedisErrorsTests
{
    private static readonly RedisErrorText s_text = Text("redis://cache");

    private static RedisErrorText Text(string url) => new(new OptionsResolver("", name => name == "REDIS_URL" ? url : null, null).Resolve(new(), new OptionsCheck())!);


    [Theory]
    [InlineData(RedisErrorKind.OutOfMemory, "OOM command not allowed when used memory > 'maxmemory'.", Failure.Refused, "maxmemory")]
    [InlineData(RedisErrorKind.ReadOnly, "READONLY You can't write against a read only replica.", Failure.Busy, "REDIS_URL at the primary")]
    [InlineData(RedisErrorKind.Loading, "LOADING Redis is loading the dataset in memory", Failure.Busy, "wait")]
    [InlineData(RedisErrorKind.Busy, "BUSY Redis is busy running a script.", Failure.Busy, "SCRIPT KILL")]
    [InlineData(RedisErrorKind.Misconfigured, "MISCONF Redis is configured to save RDB snapshots", Failure.Busy, "disk")]
    [InlineData(RedisErrorKind.NoAuth, "NOAUTH Authentication required.", Failure.Refused, "password: put it into REDIS_URL")]
    [InlineData(RedisErrorKind.WrongPass, "WRONGPASS invalid username-password pair", Failure.Refused, "password in REDIS_URL")]
    [InlineData(RedisErrorKind.NoPermission, "NOPERM this user has no permissions", Failure.Refused, "ACL SETUSER")]
    [InlineData(RedisErrorKind.WrongType, "WRONGTYPE Operation against a key", Failure.Refused, "key")]
    [InlineData(RedisErrorKind.CrossSlot, "CROSSSLOT Keys in request don't hash", Failure.Refused, "hash tag")]
    [InlineData(RedisErrorKind.ClusterDown, "CLUSTERDOWN Hash slot not served", Failure.Busy, "CLUSTER INFO")]
    [InlineData(RedisErrorKind.NoReplicas, "NOREPLICAS Not enough good replicas", Failure.Busy, "min-replicas-to-write")]
    [InlineData(RedisErrorKind.TryAgain, "TRYAGAIN Multiple keys request", Failure.Busy, "wait")]
    public void Reply_has_its_class_its_code_and_its_advice(RedisErrorKind kind, string reply, object failure, string advice)
    {
        var error = new RedisServerException(kind, CommandFlags.None, reply);

        RedisErrors.Classify(error).Should().Be((Failure)failure);
        RedisErrors.CodeOf(error).Should().Be(reply.Split(' ')[0]);
        var thrown = s_text.ToException("the command", error, false);
        thrown.Message.Should().StartWith("Redis at cache:6379: the command failed and was not run: the server said: " + reply.TrimEnd('.')).And.Contain(advice);
        thrown.InnerException.Should().BeSameAs(error);
        if (thrown is RedisRefusedException refused)
            (refused.ErrorCode, refused.IsTransient).Should().Be((reply.Split(' ')[0], kind == RedisErrorKind.OutOfMemory));
        else
            thrown.Should().BeOfType<RedisUnavailableException>().Which.MayHaveExecuted.Should().BeFalse();
    }

    public static TheoryData<Exception, object, string> Connections => new()
    {
        { new RedisConnectionException(ConnectionFailureType.UnableToConnect, CommandFlags.None, "x", new SocketException((int)SocketError.ConnectionRefused), CommandStatus.WaitingToBeSent), Failure.NotSent, "REFUSED" },
        { new RedisConnectionException(ConnectionFailureType.UnableToConnect, CommandFlags.None, "x", new SocketException((int)SocketError.HostNotFound), CommandStatus.WaitingInBacklog), Failure.NotSent, "DNS" },
        { new RedisConnectionException(ConnectionFailureType.SocketFailure, CommandFlags.None, "x", null, CommandStatus.Sent), Failure.Ambiguous, "CONNECTION" },
        { new RedisConnectionException(ConnectionFailureType.SocketClosed, CommandFlags.None, "x", null, CommandStatus.Unknown), Failure.Ambiguous, "CONNECTION" },
        { new RedisConnectionException(ConnectionFailureType.Loading, CommandFlags.None, "x", null, CommandStatus.Sent), Failure.Ambiguous, "LOADING" },
        { new RedisConnectionException(ConnectionFailureType.AuthenticationFailure, CommandFlags.None, "x", new RedisServerException(RedisErrorKind.WrongPass, CommandFlags.None, "WRONGPASS no"), CommandStatus.WaitingToBeSent), Failure.Refused, "WRONGPASS" },
        { new RedisConnectionException(ConnectionFailureType.AuthenticationFailure, CommandFlags.None, "x", new System.Security.Authentication.AuthenticationException("cert"), CommandStatus.WaitingToBeSent), Failure.Refused, "TLS" },
        { new RedisConnectionException(ConnectionFailureType.AuthenticationFailure, CommandFlags.None, "x", new IOException("eof"), CommandStatus.WaitingToBeSent), Failure.NotSent, "HANDSHAKE" },
        { new RedisTimeoutException(CommandFlags.None, "x", CommandStatus.Sent), Failure.Ambiguous, "TIMEOUT" },
        { new RedisTimeoutException(CommandFlags.None, "x", CommandStatus.WaitingToBeSent), Failure.NotSent, "TIMEOUT" },
        { new TimeoutException(), Failure.Ambiguous, "TIMEOUT" },
        { new ObjectDisposedException("x"), Failure.NotSent, "CONNECTION" },
        { new RedisCommandException("x"), Failure.Refused, "COMMAND" },
    };

    [Theory]
    [MemberData(nameof(Connections))]
    public void Failure_of_the_connection_has_its_class_and_code(Exception error, object failure, string code)
    {
        RedisErrors.Classify(error).Should().Be((Failure)failure);
        RedisErrors.CodeOf(error).Should().Be(code);
        Text("redis://:pw@cache").ToException("the command", error, false).Message.Should().Contain("cache:6379").And.NotContain("pw");
    }

    [Fact]
    public void Missing_login_is_a_wrong_one_where_a_password_is_set()
    {
        var error = new RedisServerException(RedisErrorKind.NoAuth, CommandFlags.None, "NOAUTH Authentication required.");

        s_text.CodeOf(error).Should().Be("NOAUTH");
        Text("redis://:pw@cache").CodeOf(error).Should().Be("WRONGPASS");
    }

    [Fact]
    public void Unknown_command_does_not_repeat_the_callers_values() =>
        s_text.ToException("the command", new RedisServerException(RedisErrorKind.UnknownCommand, CommandFlags.None, "ERR unknown command 'x', with args beginning with: 's3cret'"), false)
            .Message.Should().Contain("unknown command").And.NotContain("s3cret");
}
