using System.Globalization;
using Microsoft.Extensions.Logging;
using Resilient.Redis.Queue.Torture.Recording;

namespace Resilient.Redis.Queue.Torture.Children;

/// <summary>What a process logs, for whoever looks into a violation.</summary>
internal sealed class FileLog(string path) : ILoggerProvider
{
    private readonly StreamWriter _file = new(path, append: true) { AutoFlush = true };

    public ILogger CreateLogger(string categoryName) => new Lines(_file);

    public void Dispose()
    {
        lock (_file)
            _file.Dispose();
    }

    private sealed class Lines(StreamWriter file) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel))
                return;
            lock (file)
                file.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Journal.Now.TotalSeconds:0.000} {eventId.Id} {formatter(state, exception)} {exception}"));
        }
    }
}
