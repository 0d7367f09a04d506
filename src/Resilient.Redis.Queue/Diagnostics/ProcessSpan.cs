using System.Diagnostics;

namespace Resilient.Redis.Queue.Diagnostics;

/// <summary>One observed run of a handler: its span, where one is recorded, and its duration. There is none while nobody listens.</summary>
/// <remarks>Of an error only its type is told: messages and stack traces may hold what a job holds.</remarks>
internal sealed class ProcessSpan(QueueTelemetry telemetry, Activity? activity, string jobType, long began) : IDisposable
{
    private string? _errorType;

    public Activity? Activity => activity;

    public void Failed(Exception error) => _errorType = QueueTelemetry.TypeOf(error);

    public void Stopped(StopReason reason) => _errorType = reason.ToString();

    public void Dispose()
    {
        if (_errorType is not null)
            activity?.SetTag(TelemetryNames.ErrorType, _errorType).SetStatus(ActivityStatusCode.Error, _errorType);
        if (activity is not null)
            QueueTelemetry.Guarded(activity, static ended => ended.Dispose());
        telemetry.Ran(jobType, began, _errorType);
    }
}
