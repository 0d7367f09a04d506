using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Integration;

/// <summary>A whole application as a user would write it: host, connection, queue, handlers, worker.</summary>
internal sealed class QueueHost : IAsyncDisposable
{
    private readonly IHost _host;

    private QueueHost(IHost host, CollectedLogs logs)
    {
        _host = host;
        Logs = logs;
    }

    public CollectedLogs Logs { get; }

    public IServiceProvider Services => _host.Services;

    public IJobQueue Queue => Services.GetRequiredService<IJobQueue>();

    public IJobQueueAdmin Admin => Services.GetRequiredService<IJobQueueAdmin>();

    public static async Task<QueueHost> StartAsync(
        string endpoint, Action<IJobQueueBuilder>? queue = null, Action<JobQueueOptions>? options = null, Action<ResilientRedisOptions>? redis = null, string name = "test")
    {
        var logs = new CollectedLogs();
        var builder = Host.CreateEmptyApplicationBuilder(new() { Args = [] });
        builder.Logging.SetMinimumLevel(LogLevel.Debug).AddProvider(logs);
        var added = builder.Services
            .AddResilientRedis(o =>
            {
                o.ConnectionString = endpoint;
                redis?.Invoke(o);
            })
            .AddQueue(name, options);
        queue?.Invoke(added);
        var host = builder.Build();
        await host.StartAsync();
        return new QueueHost(host, logs);
    }

    public Task StopAsync() => _host.StopAsync();

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        if (_host is IAsyncDisposable disposable)
            await disposable.DisposeAsync();
    }
}
