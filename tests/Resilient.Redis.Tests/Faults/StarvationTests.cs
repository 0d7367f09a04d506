using System.Text.Json;
using Resilient.Redis.TestKit;
using Resilient.Redis.Tests.Processes;
using Xunit.Abstractions;

namespace Resilient.Redis.Tests.Faults;

/// <summary>64 threads of the pool blocked by sync code, in a process of its own.</summary>
public sealed class StarvationTests(ITestOutputHelper output)
{
    private static readonly TimeSpan s_most = TimeSpan.FromSeconds(90);

    [Fact]
    public async Task Heartbeats_and_health_go_on_while_the_thread_pool_is_starved()
    {
        var report = await StarveAsync(dedicated: true, seconds: 30);

        report.Missed.Should().Be(0, string.Join('\n', report.Errors));
        report.Beats.Should().BeGreaterThan(100);
        report.Unhealthy.Should().Be(0, "Redis is well all along");
        report.HealthP99Ms.Should().BeLessThan(5);
        report.Should().Match<StarvationReport>(r => r.Unfinished == 0 && r.Errors.Count == 0, "what waited for a thread succeeds once there is one");
    }

    [Fact]
    public async Task Error_blames_the_starved_thread_pool_and_not_redis()
    {
        // With the driver's threads of its own nothing times out: only without them is there an error to look at.
        var report = await StarveAsync(dedicated: false, seconds: 8);

        report.HealthP99Ms.Should().BeLessThan(5);
        report.Succeeded.Should().BeLessThan(report.HealthAnswers / 2);
        var ours = report.Errors.Where(error => error.StartsWith("Redis at ", StringComparison.Ordinal)).ToList();
        ours.Should().Contain(error => error.Contains("no reply within 1 s: thread pool starved: a work item waited", StringComparison.Ordinal));
        ours.Where(error => error.Contains("Redis is not to blame", StringComparison.Ordinal)).Should().HaveCountGreaterThan(ours.Count * 9 / 10);
    }

    private async Task<StarvationReport> StarveAsync(bool dedicated, int seconds)
    {
        await using var server = await TestServer.StartAsync();
        await using var child = ChildProcess.Start(typeof(Program).Assembly, "starve", server.Endpoint, $"{dedicated}", $"{seconds}");
        await child.PrintsAsync("{", s_most);
        var report = JsonSerializer.Deserialize<StarvationReport>(child.Lines[^1])!;
        output.WriteLine($"{report with { Errors = [.. report.Errors.Distinct().Take(5)] }}");
        return report;
    }
}
