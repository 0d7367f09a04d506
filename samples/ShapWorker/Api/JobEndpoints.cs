using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Mvc;
using Resilient.Redis.Queue;
using ShapWorker.Explaining;

namespace ShapWorker.Api;

/// <summary>Hand a job in, ask how it stands, look at its picture.</summary>
internal static class JobEndpoints
{
    private const string IdempotencyKey = "Idempotency-Key";

    // A row of our own fields is about 150 bytes; a thousand, generously indented, fit.
    private const int MaxBodyBytes = 512 * 1024;

    private static readonly JsonDocumentOptions s_strict = new() { AllowDuplicateProperties = false, MaxDepth = 8 };

    public static void MapJobs(this WebApplication app)
    {
        app.MapPost("/jobs", EnqueueAsync).WithMetadata(new RequestSizeLimitAttribute(MaxBodyBytes));
        app.MapGet("/jobs/{id}", GetAsync);
        app.MapGet("/jobs/{id}/plot.svg", PlotAsync);
    }

    private static async Task<IResult> EnqueueAsync(HttpRequest request, IJobQueue queue, CancellationToken cancellationToken)
    {
        if (!request.HasJsonContentType())
            return Problem(StatusCodes.Status415UnsupportedMediaType, $"The content type is '{request.ContentType}'; it must be application/json.");
        if (!TryReadKey(request, out var key))
            return Invalid(IdempotencyKey, $"It must be 1 to {JobId.MaxLength} letters, digits or any of - _ . : and begin with a letter or digit.");

        PenguinReader reader;
        try
        {
            using var body = await JsonDocument.ParseAsync(request.Body, s_strict, cancellationToken);
            reader = PenguinReader.Read(body.RootElement);
        }
        catch (JsonException malformed)
        {
            return Invalid("body", $"It is no valid JSON: {malformed.Message}");
        }

        if (reader.Errors.Count > 0)
            return Results.ValidationProblem(reader.Errors, title: "The job was not accepted: some fields are wrong.");

        var accepted = await queue.EnqueueAsync(new ExplainJob(reader.Rows), new EnqueueOptions { Id = key }, cancellationToken);
        var links = JobLinks.To(accepted.Id);
        return Results.Accepted(links.Self, new JobAccepted(accepted.Id.Value, reader.Rows.Count, accepted.Created, links));
    }

    private static async Task<IResult> GetAsync(string id, IJobQueue queue, CancellationToken cancellationToken) =>
        await FindAsync(id, queue, cancellationToken) is { } job ? Results.Ok(JobAnswer.From(job)) : Unknown();

    private static async Task<IResult> PlotAsync(string id, string? row, string? width, IJobQueue queue, CancellationToken cancellationToken)
    {
        if (!TryReadNumber(row, 0, 0, ExplainJob.MaxRows - 1, out var index))
            return Invalid("row", $"It is '{row}'; it must be a row's number, from 0 to {ExplainJob.MaxRows - 1}.");
        if (!TryReadNumber(width, 720, WaterfallSvg.MinWidth, WaterfallSvg.MaxWidth, out var pixels))
            return Invalid("width", $"It is '{width}'; it must be a number from {WaterfallSvg.MinWidth} to {WaterfallSvg.MaxWidth}.");
        if (await FindAsync(id, queue, cancellationToken) is not { } job)
            return Unknown();
        if (job.State != JobState.Completed)
            return Problem(StatusCodes.Status409Conflict, $"There is no picture: the job is {job.State.ToString().ToLowerInvariant()}. {job.Error}".TrimEnd());
        if (!job.HasResult || job.GetResult<ExplainResult>() is not { } result)
            return Problem(StatusCodes.Status410Gone, "There is no picture: the job's result is no longer kept.");
        if (index >= result.Rows.Count)
            return Problem(StatusCodes.Status404NotFound, $"There is no row {index}: the job has {result.Rows.Count}, counted from 0.");
        return Results.Text(WaterfallSvg.Draw(result.Rows[index], pixels), "image/svg+xml; charset=utf-8");
    }

    private static async ValueTask<JobInfo?> FindAsync(string id, IJobQueue queue, CancellationToken cancellationToken) =>
        JobId.TryParse(id, out var jobId) ? await queue.GetAsync(jobId, cancellationToken) : null;

    /// <summary>The key becomes the job's id and part of its URL: hence no slash, and no dot in front.</summary>
    private static bool TryReadKey(HttpRequest request, out JobId? key)
    {
        key = null;
        if (!request.Headers.TryGetValue(IdempotencyKey, out var values))
            return true;
        if (!JobId.TryParse(values.ToString(), out var id) || !char.IsAsciiLetterOrDigit(id.Value[0]) || id.Value.Contains('/'))
            return false;
        key = id;
        return true;
    }

    private static bool TryReadNumber(string? text, int fallback, int min, int max, out int number)
    {
        number = fallback;
        return text is null || int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number >= min && number <= max;
    }

    private static IResult Unknown() =>
        Problem(StatusCodes.Status404NotFound, "There is no such job: the id is wrong, or the job ended longer ago than its result is kept.");

    private static IResult Problem(int status, string detail) => Results.Problem(detail, statusCode: status);

    private static IResult Invalid(string field, string message) =>
        Results.ValidationProblem(new Dictionary<string, string[]> { [field] = [message] }, title: "The request was not accepted: a field is wrong.");
}
