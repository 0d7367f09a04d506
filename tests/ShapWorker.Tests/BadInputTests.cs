using System.Net;
using System.Text.Json;

namespace ShapWorker.Tests;

[Collection(ServiceTests.Name)]
public sealed class BadInputTests(ServiceFixture fixture)
{
    [Theory]
    [InlineData("species", "", "species", "Adelie, Chinstrap, Gentoo")]
    [InlineData("species", "\"Emperor\"", "species", "Adelie, Chinstrap, Gentoo")]
    [InlineData("species", "7", "species", "Adelie, Chinstrap, Gentoo")]
    [InlineData("species", "null", "species", "null")]
    [InlineData("island", "\"Bouvet\"", "island", "Biscoe, Dream, Torgersen")]
    [InlineData("island", "", "island", "missing")]
    [InlineData("sex", "\"unknown\"", "sex", "female, male")]
    [InlineData("sex", "true", "sex", "female, male")]
    [InlineData("sex", "", "sex", "missing")]
    [InlineData("beakLengthMm", "\"49.2\"", "beakLengthMm", "number from 20 to 80")]
    [InlineData("beakLengthMm", "\"NaN\"", "beakLengthMm", "number from 20 to 80")]
    [InlineData("beakLengthMm", "-1", "beakLengthMm", "from 20 to 80")]
    [InlineData("beakDepthMm", "1e999", "beakDepthMm", "from 8 to 30")]
    [InlineData("beakDepthMm", "", "beakDepthMm", "missing")]
    [InlineData("flipperLengthMm", "2210", "flipperLengthMm", "from 120 to 300")]
    [InlineData("flipperLengthMm", "[221]", "flipperLengthMm", "an array")]
    [InlineData("flipperLengthMm", "{}", "flipperLengthMm", "an object")]
    [InlineData("wingspan", "1", "wingspan", "Unknown field")]
    public async Task Field_that_is_wrong_is_named(string field, string json, string named, string says) =>
        await ExpectAsync(Bodies.With(field, json), named, says);

    [Theory]
    [InlineData("", "body", "no valid JSON")]
    [InlineData("{", "body", "no valid JSON")]
    [InlineData("{\"flipperLengthMm\":NaN}", "body", "no valid JSON")]
    [InlineData("{\"sex\":\"male\",\"sex\":\"female\"}", "body", "sex")]
    [InlineData("[[[[[[[[[[[[]]]]]]]]]]]]", "body", "depth")]
    [InlineData("42", "body", "must be a penguin")]
    [InlineData("null", "body", "null")]
    [InlineData("[]", "rows", "0 rows")]
    [InlineData("{\"rows\":[]}", "rows", "1 to 1000")]
    [InlineData("{\"rows\":7}", "rows", "array of penguins")]
    [InlineData("{\"rows\":[],\"priority\":1}", "priority", "Unknown field")]
    [InlineData("[1]", "rows[0]", "must be a penguin")]
    public async Task Body_that_is_wrong_is_told_why(string body, string named, string says) => await ExpectAsync(body, named, says);

    [Fact]
    public async Task Field_in_an_array_is_named_with_its_row() =>
        await ExpectAsync($"[{Bodies.Penguin},{Bodies.Penguin},{Bodies.Penguin},{Bodies.With("flipperLengthMm", "9")}]", "rows[3].flipperLengthMm", "from 120 to 300");

    [Fact]
    public async Task Too_many_rows_are_refused() => await ExpectAsync(Bodies.Rows(1_001), "rows", "1001 rows; 1 to 1000");

    [Fact]
    public async Task All_wrong_fields_are_named_at_once_and_never_without_end()
    {
        var two = await ErrorsAsync($"{{\"species\":\"x\",\"island\":\"y\"}}");
        var many = await ErrorsAsync($"[{string.Join(',', Enumerable.Repeat("{}", 1_000))}]");

        two.Keys.Should().BeEquivalentTo("species", "island", "beakLengthMm", "beakDepthMm", "flipperLengthMm", "sex");
        many.Count.Should().BeInRange(20, 30);
    }

    [Fact]
    public async Task Long_input_is_not_sent_back_whole()
    {
        var errors = await ErrorsAsync(Bodies.With("species", $"\"{new string('x', 10_000)}\""));

        errors["species"].Should().ContainSingle().Which.Length.Should().BeLessThan(200);
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/x-www-form-urlencoded")]
    public async Task Other_content_type_is_refused(string contentType)
    {
        using var response = await fixture.Service.PostAsync(Bodies.Penguin, contentType);

        await ExpectProblemAsync(response, HttpStatusCode.UnsupportedMediaType, "application/json");
    }

    [Fact]
    public async Task Body_that_is_too_large_is_refused()
    {
        using var response = await fixture.Service.PostAsync(Bodies.Penguin + new string(' ', 600_000));

        await ExpectProblemAsync(response, HttpStatusCode.RequestEntityTooLarge, "body");
    }

    [Theory]
    [InlineData("with space")]
    [InlineData("a/b")]
    [InlineData("..")]
    [InlineData("<script>")]
    public async Task Idempotency_key_that_could_be_no_id_is_named(string key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/jobs") { Content = new StringContent(Bodies.Penguin, null, "application/json") };
        request.Headers.TryAddWithoutValidation("Idempotency-Key", key);

        using var response = await fixture.Service.Http.SendAsync(request);

        await ExpectProblemAsync(response, HttpStatusCode.BadRequest, "Idempotency-Key");
    }

    private async Task ExpectAsync(string body, string field, string says)
    {
        var errors = await ErrorsAsync(body);
        errors.Should().ContainKey(field);
        errors[field].Should().ContainSingle().Which.Should().Contain(says);
    }

    private async Task<Dictionary<string, string[]>> ErrorsAsync(string body)
    {
        using var response = await fixture.Service.PostAsync(body);
        var text = await ExpectProblemAsync(response, HttpStatusCode.BadRequest, "errors");
        using var problem = JsonDocument.Parse(text);
        return problem.RootElement.GetProperty("errors").Deserialize<Dictionary<string, string[]>>()!;
    }

    private static async Task<string> ExpectProblemAsync(HttpResponseMessage response, HttpStatusCode status, string says)
    {
        var text = await response.Content.ReadAsStringAsync();
        response.StatusCode.Should().Be(status, text);
        response.Content.Headers.ContentType!.MediaType.Should().Be("application/problem+json");
        text.Should().Contain(says).And.NotContain("   at ", "a stack is for the log");
        return text;
    }
}
