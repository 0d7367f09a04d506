using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Resilient.Redis.Queue.Storage;

namespace Resilient.Redis.Queue.Worker;

/// <summary>Wire name of a job -> its handler, closed over the types at registration: no reflection at run time.</summary>
internal sealed class HandlerTable
{
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);

    public IEnumerable<string> Names => _entries.Keys;

    /// <exception cref="InvalidOperationException">Another handler has this name already.</exception>
    public void Add<TJob, THandler>(string name)
        where THandler : class, IJobHandler<TJob>
    {
        if (!_entries.TryAdd(name, new Entry<TJob, THandler>()))
            throw new InvalidOperationException($"Two handlers are registered for the job '{name}'. Give one of the jobs another name with [JobName] or AddHandler(jobName).");
    }

    public Entry? Find(string name) => _entries.GetValueOrDefault(name);

    /// <summary>How one type of job is read and run.</summary>
    internal abstract class Entry
    {
        /// <exception cref="JsonException">The payload is no such job.</exception>
        public abstract object Read(ReadOnlySpan<byte> payload, JobSerializer serializer);

        public abstract Task RunAsync(IServiceProvider scope, object job, JobContext context, CancellationToken cancellationToken);
    }

    private sealed class Entry<TJob, THandler> : Entry
        where THandler : class, IJobHandler<TJob>
    {
        public override object Read(ReadOnlySpan<byte> payload, JobSerializer serializer) =>
            serializer.Read<TJob>(payload) ?? throw new JsonException("The payload is null.");

        public override Task RunAsync(IServiceProvider scope, object job, JobContext context, CancellationToken cancellationToken) =>
            scope.GetRequiredService<THandler>().HandleAsync((TJob)job, context, cancellationToken);
    }
}
