using Resilient.Redis.Resilience;

namespace Resilient.Redis.Tests.Unit;

public sealed class ClusterVerdictTests
{
    private const string Nodes = """
        07c37df 127.0.0.1:30004@31004,host-4 slave e7d1eec 0 1426238317239 4 connected
        67ed2db 127.0.0.1:30002@31002 master,fail - 1426238316232 1426238316232 2 disconnected
        292f8b3 127.0.0.1:30003@31003,host-3 master,fail? - 0 1426238318243 3 connected 10923-16383
        e7d1eec 127.0.0.1:30001@31001 myself,master - 0 0 1 connected 0-5460
        """;

    [Theory]
    [InlineData("127.0.0.1:30002", true)]
    [InlineData("127.0.0.1:30001", false)]
    [InlineData("127.0.0.1:30003", false)]
    [InlineData("127.0.0.1:30004", false)]
    [InlineData("127.0.0.1:3000", false)]
    public void Server_is_given_up_when_its_cluster_agrees_that_it_failed(string server, bool isFailed) => ClusterVerdict.IsFailed(Nodes, server).Should().Be(isFailed);
}
