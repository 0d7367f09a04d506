using Microsoft.Extensions.Configuration.Memory;

namespace ShapWorker.Hosting;

/// <summary>One line an entry; and what stops the start is told once, by Main in a sentence, not by the host with a stack as well.</summary>
internal sealed class PlainLog
{
    private volatile bool _started;

    public static PlainLog AddTo(IHostApplicationBuilder builder)
    {
        var log = new PlainLog();
        // First, so that any other source of configuration overrides it: a line for each request is too much by default.
        builder.Configuration.Sources.Insert(0, new MemoryConfigurationSource { InitialData = [new("Logging:LogLevel:Microsoft.AspNetCore", "Warning")] });
        builder.Logging.AddSimpleConsole(console => console.SingleLine = true);
        // Asked at each entry: once the host runs, all that it says is heard, a background service's failure above all.
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", level => log._started && level >= LogLevel.Information);
        return log;
    }

    public void Watch(IHost host) =>
        host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStarted.Register(() => _started = true);
}
