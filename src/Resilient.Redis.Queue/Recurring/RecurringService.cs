using Microsoft.Extensions.Hosting;

namespace Resilient.Redis.Queue.Recurring;

/// <summary>Runs the scheduler for as long as the host runs. It is made when the host starts: by then all options have been validated.</summary>
internal sealed class RecurringService(Func<RecurringScheduler> make) : BackgroundService
{
    private RecurringScheduler? _scheduler;

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        // Here, not in the background: a job that cannot be written is to stop the start.
        _scheduler = make();
        return base.StartAsync(cancellationToken);
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => _scheduler!.RunAsync(stoppingToken);
}
