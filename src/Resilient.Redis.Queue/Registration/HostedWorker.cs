using Microsoft.Extensions.Hosting;
using Resilient.Redis.Queue.Worker;

namespace Resilient.Redis.Queue.Registration;

/// <summary>Makes the worker when the host starts, not when it is built: by then all options have been validated and all faults told at once.</summary>
internal sealed class HostedWorker(Func<QueueWorker> make) : IHostedService, IAsyncDisposable
{
    private QueueWorker? _worker;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _worker = make();
        return _worker.StartAsync(cancellationToken);
    }

    public Task StopAsync(CancellationToken cancellationToken) => _worker?.StopAsync(cancellationToken) ?? Task.CompletedTask;

    public ValueTask DisposeAsync() => _worker?.DisposeAsync() ?? default;
}
