using Microsoft.Extensions.Configuration;
using ShapWorker.Hosting;

namespace ShapWorker.Tests;

public sealed class CommandLineTests
{
    [Theory]
    [InlineData("", "All")]
    [InlineData("web", "Web")]
    [InlineData("worker", "Worker")]
    [InlineData("verify", "Verify")]
    [InlineData("verify http://127.0.0.1:8080", "Verify")]
    [InlineData("help", "Help")]
    [InlineData("--help", "Help")]
    [InlineData("--urls http://127.0.0.1:8080", "All")]
    [InlineData("web --urls=http://127.0.0.1:8080 --environment Development", "Web")]
    [InlineData("wroker", "Unknown")]
    [InlineData("worker web", "Unknown")]
    [InlineData("verify localhost", "Unknown")]
    [InlineData("verify ftp://localhost", "Unknown")]
    [InlineData("verify http://a http://b", "Unknown")]
    public void Role_is_the_first_word(string line, string role) =>
        CommandLine.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Role.ToString().Should().Be(role);

    [Fact]
    public void Switches_are_left_to_the_host() =>
        CommandLine.Parse(["web", "--urls", "http://127.0.0.1:8080"]).HostArguments.Should().Equal("--urls", "http://127.0.0.1:8080");

    [Theory]
    [InlineData(null, null, "http://127.0.0.1:5080")]
    [InlineData("", null, "http://127.0.0.1:5080")]
    [InlineData("8080", null, "http://0.0.0.0:8080")]
    [InlineData("8080", "http://127.0.0.1:1", "http://0.0.0.0:8080")]
    [InlineData(null, "http://127.0.0.1:1", null)]
    public void Port_comes_before_urls_and_both_before_loopback(string? port, string? urls, string? expected) =>
        ListenAddress.Choose(port, new ConfigurationBuilder().AddInMemoryCollection([new("urls", urls)]).Build()).Should().Be(expected);

    [Theory]
    [InlineData("0")]
    [InlineData("65536")]
    [InlineData("-1")]
    [InlineData("http")]
    [InlineData("80 ")]
    public void Port_that_is_none_is_named(string port)
    {
        var choose = () => ListenAddress.Choose(port, new ConfigurationBuilder().Build());

        choose.Should().Throw<SetupException>().WithMessage($"PORT is '{port}'; it must be a number from 1 to 65535.*");
    }
}
