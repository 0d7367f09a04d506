using Microsoft.Extensions.Time.Testing;
using Resilient.Redis.Queue.Worker;

namespace Resilient.Redis.Queue.Tests.Unit;

public sealed class AsyncSignalTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task Signal_that_nobody_waits_for_is_kept_also_after_a_wait_that_timed_out()
    {
        var signal = new AsyncSignal(_time);
        var timedOut = signal.WaitAsync(TimeSpan.FromSeconds(1), CancellationToken.None);
        _time.Advance(TimeSpan.FromSeconds(1));
        await timedOut;

        signal.Set();

        signal.WaitAsync(TimeSpan.FromSeconds(1), CancellationToken.None).IsCompleted.Should().BeTrue("the bell rang in between");
        signal.WaitAsync(TimeSpan.FromSeconds(1), CancellationToken.None).IsCompleted.Should().BeFalse("one signal wakes once");
    }
}
