using System.Globalization;
using System.Net;
using System.Text.Json;
using ShapWorker.Api;
using ShapWorker.Explaining;
using ShapWorker.Penguins;

namespace ShapWorker.Verifying;

/// <summary>The steps that go through the service's own API.</summary>
internal sealed class ServiceSteps(Uri target, TimeSpan jobDeadline) : IDisposable
{
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(15);

    private const double Tolerance = 1e-6;

    private readonly HttpClient _http = new() { BaseAddress = target, Timeout = Timeout };
    private ExplainResult? _result;

    public async Task<Verdict> PingAsync()
    {
        using var response = await _http.GetAsync("/admin/redis_ping");
        var answer = await ReadAsync<PingAnswer>(response);
        return answer is { Status: "ok", LatencyMs: { } latency }
            ? Verdict.Good(string.Create(CultureInfo.InvariantCulture, $"through /admin/redis_ping, round trip {latency:0.0} ms"))
            : Verdict.Bad(answer.Reason ?? $"/admin/redis_ping says {answer.Status}.", "REDIS_URL of the service; then REDIS_TIMEOUT; is the Redis server up?");
    }

    public async Task<Verdict> HealthAsync()
    {
        using var response = await _http.GetAsync("/health");
        using var report = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        var status = report.RootElement.GetProperty("status").GetString();
        var checks = report.RootElement.GetProperty("checks").EnumerateObject()
            .Select(check => $"{check.Name} {check.Value.GetProperty("status").GetString()}").ToArray();
        var finding = $"{status}: {string.Join(", ", checks)}";
        if (!checks.Any(check => check.StartsWith("redis ", StringComparison.Ordinal)))
            return Verdict.Bad($"{finding}. There is no check of Redis.", "The url given to verify: is it this service?");
        if (response.IsSuccessStatusCode)
            return Verdict.Good(finding);
        return Verdict.Bad(
            $"{(int)response.StatusCode} {finding}",
            "redis: REDIS_URL and REDIS_TIMEOUT; REDIS_SOCKET_KEEPALIVE=true if only idle connections are lost. queue: is a worker running with the same REDIS_URL?");
    }

    /// <summary>Three penguins, one of each species.</summary>
    public async Task<Verdict> JobAsync()
    {
        var rows = PenguinData.Complete.Select(row => row.Penguin).DistinctBy(penguin => penguin.Species).ToArray();
        using var response = await _http.PostAsJsonAsync("/jobs", new ExplainJob(rows), ShapJson.Default.ExplainJob);
        if (response.StatusCode != HttpStatusCode.Accepted)
        {
            return Verdict.Bad(
                $"POST /jobs answered {(int)response.StatusCode}: {await response.Content.ReadAsStringAsync()}",
                "REDIS_URL of the service; REDIS_TIMEOUT if Redis is slow; REDIS_CONNECTION_POOL_SIZE if only load makes it fail.");
        }

        var accepted = await ReadAsync<JobAccepted>(response);
        var job = await FollowAsync(accepted.Links.Self);
        _result = job.Result;
        if (job.State == "completed" && _result is { } result && result.Rows.Count == rows.Length)
            return Verdict.Good($"{job.Id} completed in attempt {job.Attempt}, {result.Rows.Count} rows");
        return job.State is "waiting" or "active" or "scheduled"
            ? Verdict.Bad(
                $"{job.Id} is still {job.State} after {jobDeadline.TotalSeconds:0} s. {job.Error}".TrimEnd(),
                "Is a worker running (role worker), and is its REDIS_URL the same as the web service's?")
            : Verdict.Bad($"{job.Id} is {job.State} without the result that was asked for. {job.Error}".TrimEnd(), "The worker's log, at this job's id; libgomp1 where it names LightGBM.");
    }

    public Task<Verdict> AdditivityAsync()
    {
        var largest = _result!.Rows.Max(row => row.AdditivityError());
        return Task.FromResult(largest < Tolerance
            ? Verdict.Good(string.Create(CultureInfo.InvariantCulture, $"base + contributions = prediction, to {largest:0.0e0} g"))
            : Verdict.Bad(string.Create(CultureInfo.InvariantCulture, $"base + contributions differ from the prediction by {largest:0.0e0} g."), "No setting: the web service's and the worker's versions differ."));
    }

    public void Dispose() => _http.Dispose();

    private async Task<JobAnswer> FollowAsync(string url)
    {
        using var deadline = new CancellationTokenSource(jobDeadline);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (true)
        {
            using var response = await _http.GetAsync(url, CancellationToken.None);
            var job = await ReadAsync<JobAnswer>(response);
            if (job.EndedAt is not null || job.State is "completed" or "dead" or "cancelled" || deadline.IsCancellationRequested)
                return job;
            await timer.WaitForNextTickAsync(CancellationToken.None);
        }
    }

    /// <exception cref="JsonException">The answer is not of this kind.</exception>
    private static async Task<T> ReadAsync<T>(HttpResponseMessage response) where T : class =>
        (T?)await response.Content.ReadFromJsonAsync(typeof(T), ShapJson.Default) ?? throw new JsonException("The answer is null.");
}
