namespace ShapWorker.Hosting;

/// <summary>One line an entry; and what stops the start is told once, by Main in a sentence, not by the host with a stack as well.</summary>
internal sealed class PlainLog
{
    private volatile bool _started;

    public static PlainLog AddTo(ILoggingBuilder logging)
    {
        var log = new PlainLog();
        logging.AddSimpleConsole(console => console.SingleLine = true);
        // Asked at each entry: once the host runs, all that it says is heard, a background service's failure above all.
        logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", _ => log._started);
        return log;
    }

    public void Watch(IHost host) =>
        host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStarted.Register(() => _started = true);
}
