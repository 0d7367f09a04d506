using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Xml.Linq;
using Resilient.Redis.TestKit;

namespace ShapWorker.Tests;

[Collection(ServiceTests.Name)]
public sealed class JobTests(ServiceFixture fixture)
{
    private readonly ShapService _service = fixture.Service;

    [Fact]
    public async Task One_row_is_accepted_explained_and_drawn()
    {
        using var response = await _service.PostAsync(Bodies.Penguin);

        response.StatusCode.Should().Be(HttpStatusCode.Accepted);
        var accepted = (await response.Content.ReadFromJsonAsync(ShapJson.Default.JobAccepted))!;
        response.Headers.Location!.OriginalString.Should().Be($"/jobs/{accepted.Id}").And.Be(accepted.Links.Self);
        accepted.Created.Should().BeTrue();
        accepted.Rows.Should().Be(1);

        var job = await _service.CompletedAsync(accepted.Id);
        job.Attempt.Should().Be(1);
        job.Error.Should().BeNull();
        var explanation = job.Result!.Rows.Should().ContainSingle().Subject;
        explanation.AdditivityError().Should().BeLessThan(1e-6);
        explanation.Prediction.Should().BeInRange(5_000, 7_000, "it is a large male Gentoo");

        using var plot = await _service.Http.GetAsync(accepted.Links.Plot);
        plot.Content.Headers.ContentType!.MediaType.Should().Be("image/svg+xml");
        XDocument.Parse(await plot.Content.ReadAsStringAsync()).Root!.Attribute("role")!.Value.Should().Be("img");
    }

    [Theory]
    [InlineData("[{0},{0}]", 2)]
    [InlineData("{{\"rows\":[{0},{0},{0}]}}", 3)]
    public async Task Many_rows_may_be_wrapped_or_not(string format, int rows)
    {
        var accepted = await _service.EnqueueAsync(string.Format(System.Globalization.CultureInfo.InvariantCulture, format, Bodies.Penguin));

        accepted.Rows.Should().Be(rows);
        (await _service.CompletedAsync(accepted.Id)).Result!.Rows.Should().HaveCount(rows);
    }

    [Fact]
    public async Task Words_may_be_in_any_case()
    {
        var accepted = await _service.EnqueueAsync(Bodies.With("species", "\"gentoo\""));

        (await _service.CompletedAsync(accepted.Id)).Result!.Rows[0].Row.Species.Should().Be("Gentoo");
    }

    [Fact]
    public async Task A_thousand_rows_are_explained()
    {
        var accepted = await _service.EnqueueAsync(Bodies.Rows(1_000));

        var job = await _service.CompletedAsync(accepted.Id);

        job.Result!.Rows.Should().HaveCount(1_000).And.OnlyContain(row => row.AdditivityError() < 1e-6);
    }

    [Fact]
    public async Task Same_idempotency_key_makes_one_job()
    {
        async Task<Api.JobAccepted> SendAsync()
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/jobs") { Content = new StringContent(Bodies.Penguin, null, "application/json") };
            request.Headers.Add("Idempotency-Key", "order-4711");
            using var response = await _service.Http.SendAsync(request);
            response.StatusCode.Should().Be(HttpStatusCode.Accepted);
            return (await response.Content.ReadFromJsonAsync(ShapJson.Default.JobAccepted))!;
        }

        var first = await SendAsync();
        var second = await SendAsync();

        (first.Id, first.Created).Should().Be(("order-4711", true));
        (second.Id, second.Created).Should().Be(("order-4711", false));
    }

    [Theory]
    [InlineData("/jobs/AAAAAAAAAAAAAAAA")]
    [InlineData("/jobs/not%20an%20id")]
    [InlineData("/jobs/%3Cscript%3E")]
    [InlineData("/jobs/AAAAAAAAAAAAAAAA/plot.svg")]
    public async Task Unknown_or_malformed_id_is_not_found(string path)
    {
        using var response = await _service.Http.GetAsync(path);

        response.StatusCode.Should().Be(HttpStatusCode.NotFound);
        (await response.Content.ReadAsStringAsync()).Should().Contain("There is no such job").And.NotContain("script");
    }

    [Theory]
    [InlineData("row=2", HttpStatusCode.NotFound, "the job has 2")]
    [InlineData("row=-1", HttpStatusCode.BadRequest, "row")]
    [InlineData("row=x", HttpStatusCode.BadRequest, "row")]
    [InlineData("width=10", HttpStatusCode.BadRequest, "width")]
    [InlineData("width=1e3", HttpStatusCode.BadRequest, "width")]
    [InlineData("row=1&width=400", HttpStatusCode.OK, "<svg")]
    public async Task Picture_of_a_row_is_drawn_or_refused_by_name(string query, HttpStatusCode status, string says)
    {
        var accepted = await _service.EnqueueAsync(Bodies.Rows(2));
        await _service.CompletedAsync(accepted.Id);

        using var response = await _service.Http.GetAsync($"{accepted.Links.Plot}?{query}");

        response.StatusCode.Should().Be(status);
        (await response.Content.ReadAsStringAsync()).Should().Contain(says);
    }

    [Fact]
    public async Task Picture_of_a_job_that_no_worker_has_taken_is_a_conflict()
    {
        await using var redis = await TestServer.StartAsync();
        await using var web = await ShapService.StartAsync(redis, Role.Web);
        var accepted = await web.EnqueueAsync(Bodies.Penguin);

        using var response = await web.Http.GetAsync(accepted.Links.Plot);

        response.StatusCode.Should().Be(HttpStatusCode.Conflict);
        (await response.Content.ReadAsStringAsync()).Should().Contain("the job is waiting");
        (await web.GetAsync(accepted.Id)).State.Should().Be("waiting");
    }

    [Fact]
    public async Task Queue_counts_what_was_accepted_and_completed()
    {
        var accepted = await _service.EnqueueAsync(Bodies.Penguin);
        await _service.CompletedAsync(accepted.Id);

        var counts = await _service.Http.GetFromJsonAsync<JsonElement>("/queue");

        counts.GetProperty("totalCompleted").GetInt64().Should().BePositive();
        counts.GetProperty("totalAccepted").GetInt64().Should().BeGreaterThanOrEqualTo(counts.GetProperty("totalCompleted").GetInt64());
        counts.GetProperty("dead").GetInt64().Should().Be(0);
    }
}
