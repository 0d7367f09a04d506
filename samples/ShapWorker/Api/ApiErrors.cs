using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Mvc;
using Resilient.Redis;
using Resilient.Redis.Queue;

namespace ShapWorker.Api;

/// <summary>Turns what an endpoint throws into problem details: Redis away is a 503 that says what to do, never a 500 with a stack.</summary>
internal sealed class ApiErrors(IProblemDetailsService problems, ILogger<ApiErrors> logger) : IExceptionHandler
{
    private const string RetryAfterSeconds = "2";

    public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        if (Describe(exception) is not { } problem)
            return false;

        httpContext.Response.StatusCode = problem.Status!.Value;
        if (problem.Status == StatusCodes.Status503ServiceUnavailable)
        {
            httpContext.Response.Headers.RetryAfter = RetryAfterSeconds;
            // The page asks every two seconds; that Redis is away the library has said already. A job that was refused is news.
            if (!HttpMethods.IsGet(httpContext.Request.Method))
                logger.LogWarning("{Method} {Path}: {Reason}", httpContext.Request.Method, httpContext.Request.Path, exception.Message);
        }

        return await problems.TryWriteAsync(new() { HttpContext = httpContext, ProblemDetails = problem, Exception = exception });
    }

    // The library's messages hold no secret and say what to do; so callers may read them.
    private static ProblemDetails? Describe(Exception exception) => exception switch
    {
        RedisUnavailableException { MayHaveExecuted: true } => new()
        {
            Status = StatusCodes.Status503ServiceUnavailable,
            Title = "Redis did not confirm the request.",
            Detail = $"{exception.Message} A job may have been stored: send it again with the same Idempotency-Key header to be sure.",
        },
        ResilientRedisException => new()
        {
            Status = StatusCodes.Status503ServiceUnavailable,
            Title = "The queue cannot be reached.",
            Detail = exception.Message,
        },
        JobTooLargeException => new() { Status = StatusCodes.Status413PayloadTooLarge, Title = "The job is too large.", Detail = exception.Message },
        BadHttpRequestException bad => new() { Status = bad.StatusCode, Title = "The request could not be read.", Detail = bad.Message },
        _ => null,
    };
}
