using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using ShapWorker.Hosting;

namespace ShapWorker.Verifying;

/// <summary>Does what an operator does after a deployment: PING, health, a job, its sum; and says which setting to look at when one fails.</summary>
internal sealed class Verification(Uri target, TextWriter output, TimeSpan jobDeadline)
{
    private int _steps;
    private int _failed;

    /// <param name="target">The service; by default where this sample listens with the same environment.</param>
    public static async Task<int> RunAsync(Uri? target)
    {
        var port = Environment.GetEnvironmentVariable("PORT");
        target ??= new Uri(string.IsNullOrWhiteSpace(port) ? ListenAddress.Default : ListenAddress.ForPort(port, "127.0.0.1"));
        return await new Verification(target, Console.Out, TimeSpan.FromSeconds(30)).RunAsync() ? 0 : 1;
    }

    public async Task<bool> RunAsync()
    {
        using var service = new ServiceSteps(target, jobDeadline);
        var clock = Stopwatch.StartNew();
        output.WriteLine($"Verifying {target.GetLeftPart(UriPartial.Authority)}");
        await StepAsync("PING", string.IsNullOrWhiteSpace(Environment.GetEnvironmentVariable("REDIS_URL")) ? service.PingAsync : DirectPing.RunAsync);
        await StepAsync("health", service.HealthAsync);
        if (await StepAsync("job", service.JobAsync))
            await StepAsync("additivity", service.AdditivityAsync);

        output.WriteLine(_failed == 0
            ? string.Create(CultureInfo.InvariantCulture, $"PASSED: {_steps} of {_steps} steps in {clock.Elapsed.TotalSeconds:0.00} s. The service is good.")
            : string.Create(CultureInfo.InvariantCulture, $"FAILED: {_failed} of {_steps} steps in {clock.Elapsed.TotalSeconds:0.00} s. The lines with an arrow say where to look."));
        return _failed == 0;
    }

    private async Task<bool> StepAsync(string name, Func<Task<Verdict>> step)
    {
        _steps++;
        var clock = Stopwatch.StartNew();
        var verdict = await RunAsync(step);
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"  {(verdict.Passed ? "ok  " : "FAIL")}  {name,-10} {clock.Elapsed.TotalMilliseconds,9:0.0} ms  {verdict.Finding}"));
        if (verdict.Passed)
            return true;
        _failed++;
        output.WriteLine($"        -> {verdict.LookAt}");
        return false;
    }

    /// <summary>What any step may meet: nobody there, silence, or an answer from something else.</summary>
    private async Task<Verdict> RunAsync(Func<Task<Verdict>> step)
    {
        try
        {
            return await step();
        }
        catch (HttpRequestException away)
        {
            return Verdict.Bad(
                $"{target} cannot be reached: {away.Message}",
                "Is the service running (dotnet run --project samples/ShapWorker), and on this address? PORT or --urls of the service; the url given to verify.");
        }
        catch (TaskCanceledException)
        {
            return Verdict.Bad($"{target} did not answer within {ServiceSteps.Timeout.TotalSeconds:0} s.", "REDIS_TIMEOUT of the service, and whether the machine is overloaded.");
        }
        catch (Exception strange) when (strange is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return Verdict.Bad($"{target} answered something unexpected: {strange.Message}", "The url given to verify: another program may listen there.");
        }
    }
}
