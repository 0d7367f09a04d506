using Microsoft.Extensions.DependencyInjection;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Tests.Faults;

/// <summary>What is wrong with the sentinels or their settings is named; passwords of their own and TLS work.</summary>
public sealed class SentinelConfigurationTests
{
    private const string Reason = "Sentinel";

    [NeedsRedisServerFact(Reason)]
    public async Task Service_that_the_sentinels_do_not_know_is_named()
    {
        await using var group = await SentinelGroup.StartAsync();
        await IsAwayAsync(group.ConnectionString.Replace(SentinelGroup.Service, "nobody", StringComparison.Ordinal), "3 of 3 sentinels know no service 'nobody'");
    }

    [Fact]
    public async Task Sentinels_that_are_away_are_named()
    {
        var (one, two) = (Ports.Free(), Ports.Free());
        await IsAwayAsync($"127.0.0.1:{one},127.0.0.1:{two},serviceName=mymaster", $"2 of 2 sentinels do not answer: 127.0.0.1:{one}, 127.0.0.1:{two}");
    }

    [NeedsRedisServerFact(Reason)]
    public async Task Sentinels_may_have_a_password_of_their_own_and_one_of_three_may_be_frozen()
    {
        await using var group = await SentinelGroup.StartAsync("secret", "other");
        group.Sentinels[2].Freeze();
        using var logs = new CollectedLogs();
        await using var redis = Testing.Create($"{group.ConnectionString},password=secret,sentinelPassword=other", logs: logs);

        (await redis.IncrementAsync("n", RetrySafety.IfNotSent)).Should().Be(1, logs.Text);

        logs.Story().Should().ContainSingle().Which.Should().StartWith("101: Redis: connection 0 to mymaster (sentinels 127.0.0.1:");
        group.Sentinels[2].Thaw();
    }

    [NeedsRedisServerFact(Reason)]
    public async Task Tls_checks_the_name_of_the_server_and_not_that_of_the_service()
    {
        using var certificate = new TestCertificate();
        var (secure, sentinelSecure) = (Ports.Free(), Ports.Free());
        await using var server = await RedisServer.StartAsync([.. certificate.Settings(secure).SelectMany(pair => (string[])[$"--{pair.Name}", pair.Value])]);
        await using var sentinel = await RedisServer.StartSentinelAsync($"""
            {string.Join('\n', certificate.Settings(sentinelSecure).Select(pair => $"{pair.Name} {pair.Value}"))}
            tls-replication yes
            sentinel monitor mymaster 127.0.0.1 {secure} 1
            """);
        var services = new ServiceCollection();
        services.AddResilientRedis(o => o.ConnectionString = $"rediss+sentinel://127.0.0.1:{sentinelSecure}/mymaster?checkCertificateRevocation=false")
            .ConfigureConnection(driver => driver.TrustIssuer(certificate.CertificateFile));
        await using var provider = services.BuildServiceProvider();

        (await provider.GetRequiredService<IResilientRedis>().IncrementAsync("n", RetrySafety.IfNotSent)).Should().Be(1);
    }

    private static async Task IsAwayAsync(string connection, string cause)
    {
        using var logs = new CollectedLogs();
        await using var redis = Testing.Create(connection, logs: logs);

        var (error, elapsed) = await Testing.FailsAsync<RedisUnavailableException>(() => redis.IncrementAsync("n", RetrySafety.Idempotent));

        elapsed.Should().BeLessThan(redis.Options.ConnectTimeout + Testing.Attempt + Testing.Slack);
        error.MayHaveExecuted.Should().BeFalse();
        error.Message.Should().Contain(cause).And.Contain("the serviceName in ConnectionString");
        logs.Story().Should().ContainSingle().Which.Should().StartWith("102: Redis: no connection 0").And.Contain(cause);
    }
}
