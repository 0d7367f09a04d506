using Resilient.Redis.Queue.Worker;

namespace Resilient.Redis.Queue.Tests.Unit;

public sealed class WorkerSessionTests
{
    [Theory]
    [InlineData("shap-1", "shap-1")]
    [InlineData("a b:c{d}@e\u00e9\n", "a-b-c-d--e--")]
    public void Name_is_a_label_behind_128_random_bits_that_no_key_or_channel_stumbles_over(string name, string label)
    {
        var (one, two) = (new WorkerSession(name), new WorkerSession(name));

        one.Id.Should().MatchRegex("^[A-Za-z0-9_-]{22}@").And.EndWith("@" + label).And.NotBe(two.Id);
    }

    [Fact]
    public void Machine_and_process_are_the_label_where_no_name_is_given() =>
        new WorkerSession().Id.Should().EndWith($"-{Environment.ProcessId}").And.HaveLength("1234567890123456789012@".Length + Math.Min(64, $"{Environment.MachineName}-{Environment.ProcessId}".Length));
}
