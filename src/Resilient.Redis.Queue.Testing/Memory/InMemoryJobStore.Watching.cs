namespace Resilient.Redis.Queue.Testing.Memory;

/// <summary>What a test wants to know beyond the protocol.</summary>
internal sealed partial class InMemoryJobStore
{
    /// <summary>What is still to be done, in words; null when nothing waits, is due, runs or is to be delivered.</summary>
    public string? DescribeWork() => Read(data =>
    {
        var due = data.Scheduled.UpTo(Now, int.MaxValue).Count;
        var waiting = data.Waiting.Count + data.Suspect.Count;
        if (due + waiting + data.Active.Count + data.Outbox.Count == 0)
            return null;
        var paused = data.IsPaused ? ", and it is paused" : "";
        return $"queue '{Queue}' has {waiting} jobs waiting, {due} due, {data.Active.Count} active and {data.Outbox.Count} to deliver to other queues{paused}";
    });

    /// <summary>Wakes every worker, as an idle poll would.</summary>
    public void RingAll()
    {
        foreach (var session in Read(data => data.Hearers.Keys.ToArray()))
            Read(data => data.Publish(session, "1"));
    }
}
