using System.Text.Json;
using Resilient.Redis.TestKit;
using Xunit.Abstractions;

namespace Resilient.Redis.Queue.Tests.Processes;

/// <summary>AGGRESSIVE_MEMORY_MANAGEMENT measured in processes of its own, since a test host has a heap full of other things.</summary>
public sealed class MemoryTests(ITestOutputHelper output) : IAsyncLifetime
{
    private TestServer _server = null!;

    public async Task InitializeAsync() => _server = await TestServer.StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task Working_set_after_a_burst_of_large_jobs_comes_down()
    {
        var off = await MeasureAsync(aggressive: false);
        var on = await MeasureAsync(aggressive: true);

        output.WriteLine($"off: {off}");
        output.WriteLine($"on:  {on}");
        on.After.Should().BeLessThan(on.Peak / 2, "most of the burst's memory is given back");
        on.After.Should().BeLessThan(off.After, "without it, more is kept");
    }

    private async Task<MemoryReport> MeasureAsync(bool aggressive)
    {
        await using var child = ChildProcess.Start(typeof(Program).Assembly, "memory", _server.Endpoint, aggressive ? "true" : "false");
        await child.WaitForExitAsync();
        await child.PrintsAsync("Peak", TimeSpan.FromSeconds(5));
        return JsonSerializer.Deserialize<MemoryReport>(child.Lines.Single(line => line.Contains("Peak", StringComparison.Ordinal)))!;
    }
}
