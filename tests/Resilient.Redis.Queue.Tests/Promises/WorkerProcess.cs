using System.Globalization;
using Resilient.Redis.Queue.Tests.Processes;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Promises;

/// <summary>One run of a handler, as its process told it, on a clock that all processes share.</summary>
/// <param name="Id">The job.</param>
/// <param name="Token">Its fence token.</param>
/// <param name="Attempt">1 in the first.</param>
/// <param name="From">When the handler was started.</param>
/// <param name="To">When it ended; null while it runs, or when its process was killed.</param>
/// <param name="Reason">Why its token had fired when it ended.</param>
internal sealed record Run(string Id, long Token, int Attempt, long From, long? To, string? Reason);

/// <summary>A worker in a process of its own: <see cref="WorkerProgram"/>.</summary>
internal sealed class WorkerProcess : IAsyncDisposable
{
    private WorkerProcess(ChildProcess process) => Process = process;

    public ChildProcess Process { get; }

    /// <summary>Its runs so far, by the start.</summary>
    public IReadOnlyList<Run> Runs
    {
        get
        {
            var runs = new Dictionary<string, Run>();
            foreach (var words in Process.Lines.Select(line => line.Split(' ')))
            {
                if (words is ["started", var id, var token, var attempt, var from])
                    runs[token + id] = new Run(id, long.Parse(token, CultureInfo.InvariantCulture), int.Parse(attempt, CultureInfo.InvariantCulture), long.Parse(from, CultureInfo.InvariantCulture), null, null);
                else if (words is ["ended", var ended, var with, var reason, var to])
                    runs[with + ended] = runs[with + ended] with { To = long.Parse(to, CultureInfo.InvariantCulture), Reason = reason };
            }

            return [.. runs.Values.OrderBy(run => run.From)];
        }
    }

    public static WorkerProcess Start(TestServer server, TimeSpan lease, int concurrency = 4, int maxDeliveries = 10) => new(ChildProcess.Start(
        typeof(Program).Assembly, "worker", server.Endpoint, lease.ToString("c"), concurrency.ToString(CultureInfo.InvariantCulture), maxDeliveries.ToString(CultureInfo.InvariantCulture)));

    /// <summary>Awaits that handlers of all these jobs have been started here, and says how long that took.</summary>
    public Task<TimeSpan> StartedAsync(IReadOnlyCollection<JobId> ids, TimeSpan within) => Eventually.TrueAsync(
        () => Runs.Select(run => run.Id).ToHashSet().IsSupersetOf(ids.Select(id => id.Value)), within, () => $"not all of {ids.Count} jobs were started: {string.Join('\n', Process.Lines)}");

    public ValueTask DisposeAsync() => Process.DisposeAsync();
}
