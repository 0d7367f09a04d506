using Resilient.Redis.TestKit;

namespace Resilient.Redis.Peers.Children;

/// <summary>The server that the parent process has started and will end.</summary>
internal sealed class ParentsServer(int port) : TestServer
{
    public override int Port => port;

    public override Task KillAsync() => throw new NotSupportedException("The server is the parent's.");

    public override Task RestartAsync() => throw new NotSupportedException("The server is the parent's.");

    public override ValueTask DisposeAsync() => default;
}
