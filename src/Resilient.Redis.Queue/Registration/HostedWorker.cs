using Microsoft.Extensions.Hosting;
using Resilient.Redis.Queue.Worker;

namespace Resilient.Redis.Queue.Registration;

/// <summary>
/// A worker: one <see cref="QueueWorker"/> for each queue that it serves. Made when the host starts, not when it is built: by then all options
/// have been validated and all faults told at once.
/// </summary>
internal sealed class HostedWorker(Func<IReadOnlyList<QueueWorker>> make) : IHostedService, IAsyncDisposable
{
    private IReadOnlyList<QueueWorker> _members = [];

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _members = make();
        return Task.WhenAll(_members.Select(member => member.StartAsync(cancellationToken)));
    }

    /// <summary>All at once: they share the grace.</summary>
    public Task StopAsync(CancellationToken cancellationToken) => Task.WhenAll(_members.Select(member => member.StopAsync(cancellationToken)));

    public async ValueTask DisposeAsync() => await Task.WhenAll(_members.Select(member => member.DisposeAsync().AsTask())).ConfigureAwait(false);
}
