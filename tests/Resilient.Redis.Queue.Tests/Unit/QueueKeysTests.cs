using Resilient.Redis.Queue.Storage;

namespace Resilient.Redis.Queue.Tests.Unit;

public sealed class QueueKeysTests
{
    /// <summary>Else a script would be refused on Redis Cluster.</summary>
    [Fact]
    public void All_keys_of_a_queue_share_one_hash_tag()
    {
        var keys = new QueueKeys("prefix", "queue");

        keys.Worker.Append(keys.Job(new JobId("a"))).Append(keys.Lane("session", 1))
            .Select(key => (string)key!).Should().OnlyHaveUniqueItems().And.OnlyContain(key => key.StartsWith("{prefix:queue}:", StringComparison.Ordinal));
        ((string)keys.Wake("session")!).Should().Be("{prefix:queue}:wake:session");
    }

    [Fact]
    public void Root_comes_first() => new QueueKeys("p", "q").Worker[0].Should().Be(new QueueKeys("p", "q").Root);
}
