using System.Diagnostics;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Resilient.Redis.TestKit;
using Xunit.Abstractions;

namespace Resilient.Redis.Tests.Faults;

/// <summary>What an orchestrator asks, over a real socket, while Redis says nothing.</summary>
public sealed class HealthOverHttpTests(ITestOutputHelper output) : FaultRow(output)
{
    [Fact]
    public Task Health_endpoint_answers_at_once_while_redis_is_silent() => BestOfThreeAsync(async () =>
    {
        await using var server = await TestServer.StartAsync();
        await using var proxy = FaultProxy.Start(server);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddResilientRedis("http", o => (o.ConnectionString, o.AttemptTimeout) = (proxy.Endpoint, Testing.Attempt)).AddHealthCheck();
        await using var app = builder.Build();
        app.MapHealthChecks("/health");
        await app.StartAsync();
        var redis = (ResilientRedis)app.Services.GetRequiredKeyedService<IResilientRedis>("http");
        using var client = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };
        (await client.GetAsync(new Uri("/health", UriKind.Relative))).StatusCode.Should().Be(HttpStatusCode.OK);
        await using var load = Load.Start(redis);

        proxy.Silence(newOnesToo: true);
        var (times, codes) = (new List<TimeSpan>(), new HashSet<HttpStatusCode>());
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < TimeSpan.FromSeconds(5);)
        {
            var began = Stopwatch.GetTimestamp();
            codes.Add((await client.GetAsync(new Uri("/health", UriKind.Relative))).StatusCode);
            times.Add(Stopwatch.GetElapsedTime(began));
            await Task.Delay(5);
        }

        var p99 = Load.Percentile(times, 0.99);
        await HoldsAsync("health over HTTP, Redis silent", redis, load, ("p99", p99));
        codes.Should().Contain(HttpStatusCode.ServiceUnavailable, "it is known by then");
        p99.Should().BeLessThan(TimeSpan.FromMilliseconds(5));
        await app.StopAsync();
    });
}
