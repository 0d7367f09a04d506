using System.Text;
using Resilient.Redis.Queue.Storage;

namespace Resilient.Redis.Queue.Tests.Model;

/// <summary>Calls and replies in words: what is compared, and what is printed.</summary>
internal static class Say
{
    public static string Of(ReplyCode code) => $"{code}";

    public static string Of(ReplyCode[] codes) => string.Join(" ", codes);

    public static string Of(JobId[] ids) => string.Join(" ", ids);

    public static string Of(Lease lease) => $"{lease.Id}#{lease.Token}";

    public static string Of(Extension extension) => $"{Of(extension.Lease)}{(extension.Started ? " started" : "")}{(extension.Progress.Length > 0 ? $" at {extension.Progress}" : "")}";

    public static string Of(NewJob job) =>
        $"{job.Id}{(job.Delay > TimeSpan.Zero ? $" in {job.Delay.TotalMilliseconds} ms" : "")}{(job.UniqueKey.Length > 0 ? $" key {job.UniqueKey}{(job.UniqueFor > TimeSpan.Zero ? " for an hour" : "")}" : "")}"
        + $" ({job.MaxAttempts} attempts, kept {job.Keep.TotalMilliseconds} ms)";

    public static string Of(EnqueueReply reply) =>
        $"{reply.ServerTime} {reply.Length} {string.Join(" ", reply.Answers.Select(Of))}";

    public static string Of(WorkCall call) =>
        $"calls {call.Sequence}: wants {call.Want}{(call.RoomForOneAlone ? " or one alone" : "")}{string.Concat(call.Settlements.Select(settlement => $", {Of(settlement)}"))}";

    public static string Of(WorkReply reply) =>
        $"{reply.Code} at {reply.ServerTime} lease {reply.Lease.TotalMilliseconds} next {reply.UntilNext?.TotalMilliseconds}{(reply.More ? " more" : "")}"
        + $" settled [{string.Join(" ", reply.Settlements.Select(settled => $"{settled.Code}/{settled.State}"))}] jobs [{string.Join("; ", reply.Jobs.Select(Of))}]";

    public static string Of(OutboxEntry[] entries) =>
        string.Join("; ", entries.OrderBy(entry => entry.Job.Id.Value, StringComparer.Ordinal).Select(entry => $"{entry.Queue} {Of(entry.Job)} {entry.Job.UniqueFor} due {entry.Due}"));

    public static string Of(EnqueueAnswer answer) => answer.Holder is { } holder ? $"{answer.Code}({holder})" : $"{answer.Code}";

    public static string Of((long ServerTime, TickReply Reply) answer) => $"{answer.ServerTime} {answer.Reply}";

    public static string Of((long ServerTime, TickReply[] Replies) answer) => $"{answer.ServerTime} {string.Join(" ", answer.Replies)}";

    public static string Of(RecurringJob[] jobs) => string.Join("; ", jobs.OrderBy(job => job.Name, StringComparer.Ordinal));

    public static string Of(JobPage page) => $"{page.Looked} places: {string.Join("; ", page.Jobs.Select(Of))}";

    public static string Of(JobInfo? job) => job is null
        ? "nothing"
        : $"{job.State} {job.JobName} attempt {job.Attempt}/{job.MaxAttempts} lapses {job.Lapses} enqueued {job.EnqueuedAt:O} due {job.DueAt:O} claimed {job.ClaimedAt:O} ended {job.EndedAt:O}"
          + $" {job.Error} {job.Progress} {job.CancelReason} result {job.HasResult} history [{string.Join("; ", job.History)}]";

    private static string Of(Settlement settlement) => settlement.Outcome is Outcome.Completed { FollowUps: { Count: > 0 } followUps }
        ? $"{Of(settlement.Lease)} completed with {string.Join("; ", followUps.Select(followUp => $"{followUp.Queue}{Of(followUp.Job)}"))}"
        : $"{Of(settlement.Lease)} {settlement.Outcome.GetType().Name}{(settlement.Started ? "" : " not started")}{DelayOf(settlement.Outcome)}";

    private static string DelayOf(Outcome outcome) => outcome switch
    {
        Outcome.Failed { Delay: var delay } => $" in {delay.TotalMilliseconds} ms",
        Outcome.PutOff { Delay: var delay } => $" in {delay.TotalMilliseconds} ms",
        Outcome.Unknown { Delay: var delay } => $" in {delay.TotalMilliseconds} ms",
        _ => "",
    };

    private static string Of(ClaimedJob job) =>
        $"{Of(job.Lease)} attempt {job.Attempt} lapses {job.Lapses}{(job.IsAlone ? " alone" : "")} {job.Timeout} {job.EnqueuedAt} {job.Name} {Encoding.UTF8.GetString(job.Body.Span[3..])}";
}
