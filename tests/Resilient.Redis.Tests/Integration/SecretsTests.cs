using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Resilient.Redis.Options;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Tests.Integration;

/// <summary>Feeds a secret by every door, well-formed and not, to a good server, one that refuses it and one that is not there, and reads all that is said.</summary>
public sealed class SecretsTests
{
    private const string Right = "r1ghtS3cret/#%";
    private const string Wrong = "wr0ngS3cret/#%";

    /// <summary>Any of these in a text gives a secret away: plain, encoded, and the pieces into which a bad parser would cut it.</summary>
    private static readonly string[] s_traces = [Right, Wrong, "S3cret", "r1ght", "wr0ng"];

    public static TheoryData<string, string> Doors
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var door in (string[])["code", "environment", "section", "named section"])
            {
                foreach (var form in (string[])
                [
                    "redis://:{encoded}@{host}", "redis://default:{encoded}@{host}?connectTimeout=1000", "{host},password={plain}", "{host},user=default,password={plain}",
                    "redis://:{plain}@{host}", "rediss://x:{plain}{host}", "http://:{encoded}@{host}", "redis://{encoded}{host}", "{plain}@{host}", "{host},password=a,{plain}", "{host},{plain}=1",
                    "redis://:{encoded}@{host}?name={encoded},x", "redis://:{encoded}@{host}?colour=1", "{host},passwort={plain}", "{host},password={plain},keepAlive=x",
                ])
                    data.Add(door, form);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Doors))]
    public async Task Secret_is_in_no_text_whatever_happens(string door, string form)
    {
        await using var server = await TestServer.StartAsync("--requirepass", Right);
        foreach (var (host, secret) in ((string, string)[])[(server.Endpoint, Right), (server.Endpoint, Wrong), ($"127.0.0.1:{Ports.Free()}", Right)])
        {
            var text = form.Replace("{host}", host).Replace("{plain}", secret).Replace("{encoded}", Uri.EscapeDataString(secret));

            var said = await SaidAsync(door, text);

            said.Should().NotBeEmpty();
            foreach (var trace in s_traces)
                said.Should().NotContain(trace, $"the secret came in by {door} as {form}");
        }
    }

    [Fact]
    public async Task Right_password_works_by_every_form()
    {
        await using var server = await TestServer.StartAsync("--requirepass", Right);
        foreach (var text in (string[])[$"redis://:{Uri.EscapeDataString(Right)}@{server.Endpoint}", $"redis://default:{Uri.EscapeDataString(Right)}@{server.Endpoint}", $"{server.Endpoint},password={Right}"])
        {
            await using var redis = Testing.Create(text);
            if (RedisServer.IsInstalled)
                (await redis.IncrementAsync("n", RetrySafety.Never)).Should().BePositive();
        }
    }

    /// <summary>Starts an application with it, uses it, and gives every text that comes out.</summary>
    private static async Task<string> SaidAsync(string door, string text)
    {
        using var logs = new CollectedLogs();
        var name = door == "named section" ? "n" : "";
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?> { [name == "n" ? "Redis:n:ConnectionString" : "Redis:ConnectionString"] = door.EndsWith("section", StringComparison.Ordinal) ? text : null });
        builder.Services.AddSingleton(new ProcessEnvironment(variable => door == "environment" && variable == "REDIS_URL" ? text : null));
        builder.Services.AddLogging(logging => logging.SetMinimumLevel(LogLevel.Trace).AddProvider(logs));
        Action<ResilientRedisOptions> configure = o =>
        {
            (o.ConnectTimeout, o.AttemptTimeout, o.Retry.MaxRetries) = (Testing.Attempt, Testing.Attempt, 0);
            if (door == "code")
                o.ConnectionString = text;
        };
        var added = name == "n" ? builder.Services.AddResilientRedis("n", configure) : builder.Services.AddResilientRedis(configure);
        added.AddHealthCheck();
        using var host = builder.Build();

        var said = new List<string>();
        await TryAsync(() => host.StartAsync());
        if (said.Count == 0)
        {
            var redis = host.Services.GetRequiredKeyedService<IResilientRedis>(name);
            await TryAsync(() => redis.IncrementAsync("n", RetrySafety.Never));
            await TryAsync(() => redis.PingAsync().AsTask());
            await TryAsync(() => redis.GetConnectionAsync().AsTask());
            await TryAsync(() => redis.ReplaceDeadAsync().AsTask());
            var health = await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync();
            foreach (var (key, entry) in health.Entries)
                said.Add($"{key} {entry.Status} {entry.Description} {entry.Exception} {string.Join(' ', entry.Data)}");
            await TryAsync(() => host.StopAsync());
        }

        return string.Join('\n', said) + logs.Text;

        async Task TryAsync(Func<Task> action)
        {
            try
            {
                await action();
            }
            catch (Exception error)
            {
                // Whatever it is, it is the text that is tested here.
                for (var inner = error; inner is not null; inner = inner.InnerException)
                    said.Add(string.Join(' ', inner.Data.Values.Cast<object>()));
                said.Add(error.ToString());
            }
        }
    }
}
