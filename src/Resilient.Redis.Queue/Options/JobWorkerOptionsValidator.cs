using Microsoft.Extensions.Options;
using Resilient.Redis.Queue.Worker;

namespace Resilient.Redis.Queue.Options;

/// <summary>The ranges of <see cref="JobWorkerOptions"/>, and its environment variable.</summary>
internal sealed class JobWorkerOptionsValidator(string queue, IOptionsMonitor<JobQueueOptions> queues, AggressiveMemoryVariable variable) : IValidateOptions<JobWorkerOptions>
{
    public const int MaxWeight = 1000;

    private static readonly TimeSpan s_leastPoll = TimeSpan.FromMilliseconds(100);

    public ValidateOptionsResult Validate(string? name, JobWorkerOptions options)
    {
        if (name != queue)
            return ValidateOptionsResult.Skip;

        var faults = new OptionFaults($"{nameof(JobWorkerOptions)} of queue '{queue}'");
        if (options.Name is { Length: 0 or > WorkerSession.MaxName })
            faults.Add($"Name has {options.Name.Length} characters; it must have 1 to {WorkerSession.MaxName}.");
        faults.Between(options.Concurrency, 1, 10_000);
        faults.Between(options.Weight, 1, MaxWeight);
        faults.Between(options.Prefetch, 0, 10_000);
        // Queue time skips what is longer than a quarter of the lease, so an idle worker must look more often (rule R8).
        if (options.IdlePoll is { } poll && (poll < s_leastPoll || poll > LeaseOf(queue) / 4))
            faults.Add($"IdlePoll is {poll}; it must be from {s_leastPoll} to a quarter of JobQueueOptions.Lease, which is {LeaseOf(queue) / 4}.");
        faults.Between(options.ShutdownGrace, TimeSpan.Zero, TimeSpan.FromHours(1));
        if (options.JobTimeout is { } timeout)
            faults.Between(timeout, TimeSpan.FromMilliseconds(1), TimeSpan.FromDays(3650), nameof(options.JobTimeout));
        if (options.AggressiveMemoryManagement is null && variable.Fault is { } fault)
            faults.Add(fault);
        return faults.Result();
    }

    /// <summary>A bad lease is told by its own validator; here it must not hide the other faults.</summary>
    private TimeSpan LeaseOf(string queue)
    {
        try
        {
            return queues.Get(queue).Lease;
        }
        catch (OptionsValidationException)
        {
            return TimeSpan.FromHours(1);
        }
    }
}
