using System.Net;
using System.Text.RegularExpressions;
using Resilient.Redis.TestKit;
using ShapWorker.Verifying;

namespace ShapWorker.Tests;

/// <summary>The program as a user starts it.</summary>
public sealed partial class RoleTests
{
    // A process that has just started, on a machine that runs all tests at once, may be slow: that is not what these tests are about.
    private static readonly (string, string) s_patient = ("REDIS_TIMEOUT", "10");

    [Theory]
    [InlineData("web")]
    [InlineData("worker")]
    public async Task Web_or_worker_alone_without_redis_url_ends_and_says_so(string role)
    {
        var (exitCode, output) = await ShapProcess.RunAsync([role]);

        exitCode.Should().Be(1);
        output.Should().Contain($"The role '{role}' needs REDIS_URL").And.NotContain("   at ");
    }

    [Fact]
    public async Task Unknown_role_gives_the_usage()
    {
        var (exitCode, output) = await ShapProcess.RunAsync(["wroker"]);

        exitCode.Should().Be(2);
        output.Should().Contain("Not understood: wroker").And.Contain("Usage:");
    }

    [Fact]
    public async Task Help_gives_the_usage()
    {
        var (exitCode, output) = await ShapProcess.RunAsync(["help"]);

        exitCode.Should().Be(0);
        output.Should().Contain("Usage:").And.Contain("REDIS_URL");
    }

    [Theory]
    [InlineData("PORT", "http", "PORT is 'http'; it must be a number from 1 to 65535.")]
    [InlineData("REDIS_TIMEOUT", "soon", "REDIS_TIMEOUT")]
    [InlineData("REDIS_URL", "http://localhost", "REDIS_URL")]
    public async Task Variable_that_cannot_be_read_ends_the_start_and_is_named(string name, string value, string says)
    {
        var (exitCode, output) = await ShapProcess.RunAsync(["--urls", "http://127.0.0.1:0"], (name, value));

        exitCode.Should().Be(1);
        output.Should().Contain(says).And.NotContain("   at ");
    }

    [Fact]
    public async Task Busy_port_is_said_in_a_sentence()
    {
        using var taken = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        taken.Start();

        var (exitCode, output) = await ShapProcess.RunAsync(["--urls", $"http://127.0.0.1:{((IPEndPoint)taken.LocalEndpoint).Port}"]);

        exitCode.Should().Be(1);
        output.Should().Contain("address already in use").And.Contain("choose another port").And.NotContain("   at ");
    }

    [Fact]
    public async Task Embedded_default_works_is_verified_and_ends_gracefully()
    {
        await using var service = ShapProcess.Start(["--urls", "http://127.0.0.1:0"], s_patient);
        await service.SaysAsync("Application started");
        service.Output.Should().Contain("No REDIS_URL: started an embedded Garnet on 127.0.0.1:");

        var (exitCode, output) = await ShapProcess.RunAsync(["verify", Address(service.Output)]);

        exitCode.Should().Be(0, output + service.Output);
        output.Should().Contain("through /admin/redis_ping").And.Contain("redis Healthy").And.Contain("PASSED: 4 of 4 steps");
        if (!OperatingSystem.IsWindows())
            (await service.TerminateAsync()).Should().Be(0, service.Output);
    }

    [Fact]
    public async Task Web_and_worker_apart_meet_at_redis_url_and_are_verified()
    {
        await using var redis = await TestServer.StartAsync("--appendonly", "yes");
        (string, string) url = ("REDIS_URL", $"redis://{redis.Endpoint}");
        await using var worker = ShapProcess.Start(["worker"], url, s_patient);
        await using var web = ShapProcess.Start(["web"], url, s_patient, ("PORT", $"{Ports.Free()}"));
        await web.SaysAsync("Application started");
        await worker.SaysAsync("Application started");

        var (exitCode, output) = await ShapProcess.RunAsync(["verify", Address(web.Output)], url, s_patient);

        exitCode.Should().Be(0, output + web.Output + worker.Output);
        output.Should().Contain("straight to REDIS_URL").And.Contain("queue:shap Healthy").And.Contain("PASSED: 4 of 4 steps");
        web.Output.Should().Contain("http://0.0.0.0:").And.NotContain("embedded");
    }

    [Fact]
    public async Task Verify_of_nobody_fails_and_names_the_setting()
    {
        var (exitCode, output) = await ShapProcess.RunAsync(["verify", $"http://127.0.0.1:{Ports.Free()}"]);

        exitCode.Should().Be(1);
        output.Should().Contain("FAIL").And.Contain("PORT or --urls").And.Contain("FAILED: 3 of 3 steps");
    }

    [Fact]
    public async Task Verify_of_a_service_without_redis_fails_and_names_the_setting()
    {
        await using var redis = await TestServer.StartAsync();
        await using var service = await ShapService.StartAsync(redis);
        await redis.KillAsync();

        var (exitCode, output) = await ShapProcess.RunAsync(["verify", service.Url.ToString()]);

        exitCode.Should().Be(1);
        output.Should().Contain("REDIS_URL").And.Contain("REDIS_TIMEOUT").And.Contain("FAILED");
    }

    [Fact]
    public async Task Verify_pings_redis_url_itself_and_names_it_when_nobody_is_there()
    {
        await using var redis = await TestServer.StartAsync();
        await using var service = await ShapService.StartAsync(redis);

        var (exitCode, output) = await ShapProcess.RunAsync(
            ["verify", service.Url.ToString()], ("REDIS_URL", $"redis://:hunter2@127.0.0.1:{Ports.Free()}"), ("REDIS_TIMEOUT", "1"));

        exitCode.Should().Be(1);
        output.Should().Contain("-> REDIS_URL: host, port").And.Contain("FAILED: 1 of 4 steps").And.NotContain("hunter2");
    }

    [Fact]
    public async Task Verify_without_a_worker_fails_and_asks_for_one()
    {
        await using var redis = await TestServer.StartAsync();
        await using var web = await ShapService.StartAsync(redis, Role.Web);
        var output = new StringWriter();

        var passed = await new Verification(web.Url, output, jobDeadline: TimeSpan.FromMilliseconds(200)).RunAsync();

        passed.Should().BeFalse();
        output.ToString().Should().Contain("is still waiting").And.Contain("Is a worker running").And.Contain("FAILED: 1 of 3 steps");
    }

    private static string Address(string output) => Listening().Match(output).Groups[1].Value.Replace("0.0.0.0", "127.0.0.1", StringComparison.Ordinal);

    [GeneratedRegex(@"Now listening on: (\S+)")]
    private static partial Regex Listening();
}
