using Microsoft.Extensions.Logging;
using Resilient.Redis.Queue.Storage;

namespace Resilient.Redis.Queue.Diagnostics;

/// <summary>Every log line of this package. Event ids: 2xx the worker; never reused. No payloads, no connection strings.</summary>
internal static partial class Log
{
    [LoggerMessage(200, LogLevel.Information, "Queue {Queue}: worker started, {Concurrency} at a time, handlers: {Handlers}.")]
    public static partial void WorkerStarted(ILogger logger, string queue, int concurrency, string handlers);

    [LoggerMessage(201, LogLevel.Warning, "Queue {Queue}: lost the lease of job {JobId}, attempt {Attempt}. Another worker may run it now.")]
    public static partial void LeaseLost(ILogger logger, string queue, JobId jobId, int attempt);

    [LoggerMessage(202, LogLevel.Warning, "Queue {Queue}: {Outcome} of job {JobId}, attempt {Attempt}, was refused ({Code}): this worker does not hold it any more. Nothing was changed; the other run stands.")]
    public static partial void SettlementRefused(ILogger logger, string queue, JobId jobId, int attempt, string outcome, ReplyCode code);

    [LoggerMessage(203, LogLevel.Error, "Queue {Queue}: job {JobId} ({JobName}) is dead after attempt {Attempt}: {Reason}")]
    public static partial void JobDead(ILogger logger, string queue, JobId jobId, string jobName, int attempt, string reason);

    [LoggerMessage(204, LogLevel.Debug, "Queue {Queue}: job {JobId}, attempt {Attempt}, is {State}.")]
    public static partial void JobSettled(ILogger logger, string queue, JobId jobId, int attempt, JobState? state);

    [LoggerMessage(205, LogLevel.Warning, "Queue {Queue}: attempt {Attempt} of job {JobId} ({JobName}) failed: {Error}")]
    public static partial void HandlerFailed(ILogger logger, string queue, JobId jobId, int attempt, string jobName, string error);

    [LoggerMessage(206, LogLevel.Warning, "Queue {Queue}: Redis does not take calls; the worker repeats its call until it does. Running jobs go on. {Cause}")]
    public static partial void WorkerWaits(ILogger logger, string queue, string cause);

    [LoggerMessage(207, LogLevel.Information, "Queue {Queue}: Redis takes calls again after {Failures} failures; the worker goes on.")]
    public static partial void WorkerGoesOn(ILogger logger, string queue, int failures);

    [LoggerMessage(208, LogLevel.Warning, "Queue {Queue}: the leases of {Count} jobs could not be extended ({Cause}); they are in doubt until Redis answers.")]
    public static partial void LeasesNotExtended(ILogger logger, string queue, int count, string cause);

    [LoggerMessage(209, LogLevel.Information, "Queue {Queue}: the leases of {Count} jobs are extended again.")]
    public static partial void LeasesExtendedAgain(ILogger logger, string queue, int count);

    [LoggerMessage(210, LogLevel.Error, "Queue {Queue}: the lease keeper met an error that it does not know and goes on.")]
    public static partial void LeaseKeeperFailed(ILogger logger, Exception error, string queue);

    [LoggerMessage(211, LogLevel.Warning, "Queue {Queue}: the lease here is {Option}, but the queue was started with {Stored}, which is used. Set JobQueueOptions.Lease alike everywhere.")]
    public static partial void LeaseDiffers(ILogger logger, string queue, TimeSpan option, TimeSpan stored);

    [LoggerMessage(212, LogLevel.Error, "Queue {Queue}: job {JobId} ({JobName}) did not stop after its time-out. The attempt has failed; the handler holds its slot until it returns. Pass the token on in the handler.")]
    public static partial void HandlerDoesNotStop(ILogger logger, string queue, JobId jobId, string jobName);

    [LoggerMessage(213, LogLevel.Warning, "Queue {Queue}: a cancellation callback of job {JobId} ({JobName}) blocks; others are cancelled on another thread.")]
    public static partial void CancellationBlocked(ILogger logger, string queue, JobId jobId, string jobName);

    [LoggerMessage(214, LogLevel.Debug, "Queue {Queue}: a cancellation callback of job {JobId} threw, or its run had ended.")]
    public static partial void CancellationFailed(ILogger logger, Exception error, string queue, JobId jobId);

    [LoggerMessage(215, LogLevel.Error, "Queue {Queue}: the worker met an error that it does not know; it starts anew in {Pause}.")]
    public static partial void WorkerFailed(ILogger logger, Exception error, string queue, TimeSpan pause);

    [LoggerMessage(216, LogLevel.Information, "Queue {Queue}: worker stops: {Running} jobs may finish within {Grace}.")]
    public static partial void WorkerStops(ILogger logger, string queue, int running, TimeSpan grace);

    [LoggerMessage(217, LogLevel.Information, "Queue {Queue}: worker stopped; {HandedBack} unfinished jobs were handed back.")]
    public static partial void WorkerStopped(ILogger logger, string queue, int handedBack);

    [LoggerMessage(218, LogLevel.Warning, "Queue {Queue}: the worker stopped while Redis did not take its last call; what it held comes back when its lease has lapsed.")]
    public static partial void WorkerStoppedUnsettled(ILogger logger, string queue);

    [LoggerMessage(219, LogLevel.Warning, "Queue {Queue}: the worker's own connection could not be opened; it tries again in {Pause}.")]
    public static partial void WorkerCannotConnect(ILogger logger, Exception error, string queue, TimeSpan pause);

    [LoggerMessage(220, LogLevel.Information, "Queue {Queue}: worker is in contact with Redis and claims jobs.")]
    public static partial void WorkerInContact(ILogger logger, string queue);

    [LoggerMessage(222, LogLevel.Error, "Queue {Queue}: the run of job {JobId} met an error outside its handler; the attempt has failed.")]
    public static partial void RunFailed(ILogger logger, Exception error, string queue, JobId jobId);

    [LoggerMessage(223, LogLevel.Warning, "Queue {Queue}: follow-ups for other queues cannot be delivered now; they are kept, and are tried again. {Reason}")]
    public static partial void OutboxWaits(ILogger logger, string queue, string reason);

    [LoggerMessage(224, LogLevel.Warning, "Queue {Queue}: follow-up {JobId} is for queue '{Target}', which is not registered in this process; a worker that has it will deliver it. Add it with AddQueue.")]
    public static partial void OutboxTargetUnknown(ILogger logger, string queue, JobId jobId, string target);

    [LoggerMessage(250, LogLevel.Debug, "Queue {Queue}: its counts could not be read now; health and metrics show the last ones.")]
    public static partial void NotSampled(ILogger logger, Exception error, string queue);

    [LoggerMessage(251, LogLevel.Information, "Queue {Queue}: its worker serves several queues; this one has rank {Rank} and weight {Weight}.")]
    public static partial void SlotsShared(ILogger logger, string queue, int rank, int weight);

    [LoggerMessage(252, LogLevel.Warning, "Queue '{Queue}' may lose jobs: Redis has {Setting}: {Consequence}. {Remedy}.")]
    public static partial void DangerousSetting(ILogger logger, string queue, string setting, string consequence, string remedy);

    [LoggerMessage(253, LogLevel.Information, "Queue '{Queue}': Redis no longer has {Setting}.")]
    public static partial void DangerGone(ILogger logger, string queue, string setting);

    [LoggerMessage(254, LogLevel.Debug, "Queue '{Queue}': not all settings of Redis that lose jobs could be looked for: {Reason}")]
    public static partial void SettingsNotRead(ILogger logger, string queue, string reason);

    [LoggerMessage(221, LogLevel.Warning, "Queue {Queue}: worker ends, since {Disposed} was disposed before it was stopped.")]
    public static partial void WorkerEnds(ILogger logger, string queue, string disposed);

    [LoggerMessage(260, LogLevel.Information, "Queue {Queue}: recurring job {Name} is registered ({Cron}, {Zone}); its next tick is {Next}.")]
    public static partial void RecurringScheduled(ILogger logger, string queue, string name, string cron, string zone, DateTimeOffset next);

    [LoggerMessage(261, LogLevel.Warning, "Queue {Queue}: recurring job {Name} has another schedule here ({Cron}, {Zone}) than where it was registered last, as in a deployment; that one counts, and this one takes over when no process has had that one for two minutes.")]
    public static partial void RecurringSuperseded(ILogger logger, string queue, string name, string cron, string zone);

    [LoggerMessage(262, LogLevel.Warning, "Queue {Queue}: an operator has removed recurring job {Name}; it does nothing until a process that has it starts. Remove it from the code too.")]
    public static partial void RecurringRemoved(ILogger logger, string queue, string name);

    [LoggerMessage(263, LogLevel.Warning, "Queue {Queue}: the recurring jobs cannot be looked after now; what becomes due is made up for. {Reason}")]
    public static partial void RecurringWaits(ILogger logger, string queue, string reason);

    [LoggerMessage(264, LogLevel.Information, "Queue {Queue}: the recurring jobs are looked after again.")]
    public static partial void RecurringGoesOn(ILogger logger, string queue);

    [LoggerMessage(265, LogLevel.Warning, "Queue {Queue}: nobody was there for the tick of recurring job {Name} at {Due}; {Fate}, and it goes on with {Next}.")]
    public static partial void RecurringMissed(ILogger logger, string queue, string name, DateTimeOffset due, string fate, DateTimeOffset next);

    [LoggerMessage(266, LogLevel.Information, "Queue {Queue}: the tick of recurring job {Name} at {Due} made no job, since another one holds its unique key.")]
    public static partial void RecurringDuplicate(ILogger logger, string queue, string name, DateTimeOffset due);
}
