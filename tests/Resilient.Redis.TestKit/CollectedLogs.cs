using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Resilient.Redis.TestKit;

/// <summary>Keeps every log line, exceptions included, so that a test can assert on the story that an operator would read.</summary>
public sealed class CollectedLogs : ILoggerFactory, ILoggerProvider
{
    private readonly ConcurrentQueue<Line> _lines = new();

    public IReadOnlyList<Line> Lines => [.. _lines];

    /// <summary>All that was said, in one text: for searching secrets.</summary>
    public string Text => string.Join('\n', _lines.Select(line => $"{line.Level} {line.Category} {line.EventId.Id} {line.Message} {line.Error}"));

    public ILogger CreateLogger(string categoryName) => new Collector(this, categoryName);

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    public void Dispose()
    {
    }

    public sealed record Line(string Category, LogLevel Level, EventId EventId, string Message, Exception? Error, IReadOnlyDictionary<string, object?> State);

    private sealed class Collector(CollectedLogs logs, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            var values = (state as IEnumerable<KeyValuePair<string, object?>> ?? []).ToDictionary(pair => pair.Key, pair => pair.Value);
            logs._lines.Enqueue(new Line(category, logLevel, eventId, formatter(state, exception), exception, values));
        }
    }
}
