using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Resilient.Redis.TestKit;

namespace ShapWorker.Tests;

/// <summary>What operators ask, while Redis is well, dead or silent.</summary>
public sealed class OperationsTests
{
    // AttemptTimeout is 2 s by default; the rest is for a busy machine.
    private static readonly TimeSpan s_pingLimit = TimeSpan.FromSeconds(4);

    [Fact]
    public async Task Ping_and_health_are_good_while_redis_is_well()
    {
        await using var redis = await TestServer.StartAsync("--appendonly", "yes");
        await using var service = await ShapService.StartAsync(redis);

        var ping = await service.Http.GetFromJsonAsync<JsonElement>("/admin/redis_ping");
        ping.GetProperty("status").GetString().Should().Be("ok");
        ping.GetProperty("latency_ms").GetDouble().Should().BePositive();
        ping.TryGetProperty("reason", out _).Should().BeFalse();

        await Eventually.TrueAsync(async () => (await service.Http.GetAsync("/health")).IsSuccessStatusCode, TimeSpan.FromSeconds(10));
        var health = await service.Http.GetFromJsonAsync<JsonElement>("/health");
        health.GetProperty("status").GetString().Should().Be("Healthy");
        health.GetProperty("checks").EnumerateObject().Select(check => check.Name).Should().Contain("redis").And.Contain("queue:shap");
    }

    [NeedsRedisServerFact("a process that can be frozen")]
    public async Task Ping_and_health_answer_in_time_while_redis_is_silent()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var service = await ShapService.StartAsync(redis);
        await Eventually.TrueAsync(async () => (await service.Http.GetAsync("/admin/redis_ping")).IsSuccessStatusCode, TimeSpan.FromSeconds(10));

        redis.Freeze();
        try
        {
            var clock = Stopwatch.StartNew();
            using var ping = await service.Http.GetAsync("/admin/redis_ping");
            clock.Elapsed.Should().BeLessThan(s_pingLimit);
            ping.StatusCode.Should().Be(HttpStatusCode.ServiceUnavailable);
            var answer = await ping.Content.ReadFromJsonAsync<JsonElement>();
            answer.GetProperty("status").GetString().Should().Be("error");
            answer.GetProperty("reason").GetString().Should().NotBeNullOrEmpty();

            // The first look may still tell what was known a moment ago; but each is quick.
            await Eventually.TrueAsync(
                async () =>
                {
                    var look = Stopwatch.StartNew();
                    using var health = await service.Http.GetAsync("/health");
                    look.Elapsed.Should().BeLessThan(s_pingLimit);
                    return health.StatusCode == HttpStatusCode.ServiceUnavailable;
                },
                TimeSpan.FromSeconds(15));
        }
        finally
        {
            redis.Thaw();
        }

        await Eventually.TrueAsync(async () => (await service.Http.GetAsync("/health")).IsSuccessStatusCode, TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task Dead_redis_is_a_503_that_says_what_to_do_and_the_service_recovers()
    {
        await using var redis = await TestServer.StartAsync();
        await using var service = await ShapService.StartAsync(redis);
        await service.CompletedAsync((await service.EnqueueAsync(Bodies.Penguin)).Id);

        await redis.KillAsync();
        foreach (var send in (Func<Task<HttpResponseMessage>>[])[
            () => service.PostAsync(Bodies.Penguin), () => service.Http.GetAsync("/jobs/AAAAAAAAAAAAAAAA"), () => service.Http.GetAsync("/queue")])
        {
            using var response = await send();
            var text = await response.Content.ReadAsStringAsync();
            response.StatusCode.Should().Be(HttpStatusCode.ServiceUnavailable, text);
            response.Content.Headers.ContentType!.MediaType.Should().Be("application/problem+json");
            response.Headers.RetryAfter!.Delta.Should().BePositive();
            text.Should().Contain("detail").And.NotContain("   at ");
        }

        (await service.Http.GetAsync("/admin/redis_ping")).StatusCode.Should().Be(HttpStatusCode.ServiceUnavailable);
        (await service.Http.GetAsync("/")).StatusCode.Should().Be(HttpStatusCode.OK, "the page itself needs no Redis");

        await redis.RestartAsync();
        await Eventually.TrueAsync(async () => (await service.PostAsync(Bodies.Penguin)).StatusCode == HttpStatusCode.Accepted, TimeSpan.FromSeconds(20));
        await service.CompletedAsync((await service.EnqueueAsync(Bodies.Penguin)).Id);
    }

    [Fact]
    public async Task Service_starts_while_redis_is_away_and_works_once_it_comes()
    {
        await using var redis = await TestServer.StartAsync();
        await redis.KillAsync();
        await using var service = await ShapService.StartAsync(redis);
        (await service.Http.GetAsync("/health")).StatusCode.Should().Be(HttpStatusCode.ServiceUnavailable);

        await redis.RestartAsync();

        await Eventually.TrueAsync(async () => (await service.PostAsync(Bodies.Penguin)).StatusCode == HttpStatusCode.Accepted, TimeSpan.FromSeconds(20));
        await service.CompletedAsync((await service.EnqueueAsync(Bodies.Penguin)).Id);
    }

    [NeedsRedisServerFact("a password")]
    public async Task Wrong_password_is_said_and_never_shown()
    {
        await using var redis = await RedisServer.StartAsync("--requirepass", "right");
        await using var service = await ShapService.StartAsync($"redis://:hunter2@{redis.Endpoint}", Role.Web);

        var answers = new StringBuilder();
        foreach (var path in (string[])["/", "/health", "/admin/redis_ping", "/queue", "/jobs/AAAAAAAAAAAAAAAA"])
            answers.AppendLine(await (await service.Http.GetAsync(path)).Content.ReadAsStringAsync());
        using var post = await service.PostAsync(Bodies.Penguin);
        answers.AppendLine(await post.Content.ReadAsStringAsync());

        post.StatusCode.Should().Be(HttpStatusCode.ServiceUnavailable);
        answers.ToString().Should().Contain("password").And.NotContain("hunter2").And.NotContain("   at ");
    }

    [Theory]
    [InlineData("/", "text/html")]
    [InlineData("/app.css", "text/css")]
    [InlineData("/app.js", "text/javascript")]
    [InlineData("/favicon.svg", "image/svg+xml")]
    public async Task Page_is_served_under_a_strict_policy(string path, string contentType)
    {
        await using var redis = await TestServer.StartAsync();
        await using var web = await ShapService.StartAsync(redis, Role.Web);

        using var response = await web.Http.GetAsync(path);

        response.Content.Headers.ContentType!.MediaType.Should().Be(contentType);
        response.Headers.GetValues("Content-Security-Policy").Should().ContainSingle().Which.Should().StartWith("default-src 'none'").And.NotContain("unsafe");
        response.Headers.Contains("Server").Should().BeFalse();
    }
}
