using System.Net;
using System.Net.Http.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Hosting;
using Resilient.Redis.TestKit;
using ShapWorker.Api;

namespace ShapWorker.Tests;

/// <summary>The sample as it is started, on a free port, inside the test process.</summary>
internal sealed class ShapService : IAsyncDisposable
{
    private readonly IHost _host;

    private ShapService(IHost host)
    {
        _host = host;
        Url = new((host as WebApplication)?.Urls.First() ?? "http://worker.invalid");
        Http = new HttpClient { BaseAddress = Url, Timeout = TimeSpan.FromSeconds(30) };
    }

    public Uri Url { get; }

    public HttpClient Http { get; }

    public IServiceProvider Services => _host.Services;

    public static Task<ShapService> StartAsync(TestServer redis, Role role = Role.All) => StartAsync(redis.Endpoint, role);

    public static async Task<ShapService> StartAsync(string redis, Role role = Role.All)
    {
        var host = Program.Build(new(role, null, ["--urls", "http://127.0.0.1:0"]), redis);
        await host.StartAsync();
        return new(host);
    }

    public async Task<JobAccepted> EnqueueAsync(string body)
    {
        using var response = await PostAsync(body);
        response.StatusCode.Should().Be(HttpStatusCode.Accepted, await response.Content.ReadAsStringAsync());
        return (await response.Content.ReadFromJsonAsync(ShapJson.Default.JobAccepted))!;
    }

    public Task<HttpResponseMessage> PostAsync(string body, string contentType = "application/json") =>
        Http.PostAsync("/jobs", new StringContent(body, System.Text.Encoding.UTF8, contentType));

    public async Task<JobAnswer> GetAsync(string id) => (await Http.GetFromJsonAsync($"/jobs/{id}", ShapJson.Default.JobAnswer))!;

    public async Task<JobAnswer> CompletedAsync(string id)
    {
        JobAnswer? job = null;
        await Eventually.TrueAsync(async () => (job = await GetAsync(id)).State == "completed", TimeSpan.FromSeconds(20), () => $"job {id} is {job}");
        return job!;
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _host.StopAsync();
        if (_host is IAsyncDisposable host)
            await host.DisposeAsync();
        else
            _host.Dispose();
    }
}
