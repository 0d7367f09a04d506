using Resilient.Redis.Queue.Worker;

namespace Resilient.Redis.Queue.Tests.Unit;

public sealed class BackoffTests
{
    [Theory]
    [InlineData(1, 0.0, 1000), InlineData(2, 0.0, 2000), InlineData(3, 0.0, 4000), InlineData(1, 1.0, 750), InlineData(30, 0.0, 60_000), InlineData(100_000, 0.0, 60_000)]
    public void Pause_doubles_up_to_the_longest_less_a_quarter_of_jitter(int failures, double random, double expectedMs) =>
        Backoff.Delay(failures, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1), random).TotalMilliseconds.Should().Be(expectedMs);
}
