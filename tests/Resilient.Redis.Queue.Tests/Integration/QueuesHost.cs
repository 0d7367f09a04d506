using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Integration;

/// <summary>A whole application with queues of the test's choice.</summary>
internal sealed class QueuesHost : IAsyncDisposable
{
    private readonly IHost _host;

    private QueuesHost(IHost host, CollectedLogs logs)
    {
        _host = host;
        Logs = logs;
    }

    public CollectedLogs Logs { get; }

    public IServiceProvider Services => _host.Services;

    public static async Task<QueuesHost> StartAsync(Action<IServiceCollection> configure)
    {
        var logs = new CollectedLogs();
        var builder = Host.CreateEmptyApplicationBuilder(new() { Args = [] });
        builder.Logging.SetMinimumLevel(LogLevel.Debug).AddProvider(logs);
        configure(builder.Services);
        var host = builder.Build();
        try
        {
            await host.StartAsync();
        }
        catch
        {
            host.Dispose();
            throw;
        }

        return new QueuesHost(host, logs);
    }

    public IJobQueue Queue(string name) => Services.GetRequiredKeyedService<IJobQueue>(name);

    public IJobQueueAdmin Admin(string name) => Services.GetRequiredKeyedService<IJobQueueAdmin>(name);

    public Task StopAsync() => _host.StopAsync();

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        if (_host is IAsyncDisposable disposable)
            await disposable.DisposeAsync();
    }
}
