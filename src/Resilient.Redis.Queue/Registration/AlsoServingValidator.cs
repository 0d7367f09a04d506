using Microsoft.Extensions.Options;
using Resilient.Redis.Queue.Options;

namespace Resilient.Redis.Queue.Registration;

/// <summary>Whether the other queues that a worker is to serve can be served by it: asked when all registrations are there, whatever their order.</summary>
internal sealed class AlsoServingValidator(QueueRegistration queue, IEnumerable<QueueRegistration> all) : IValidateOptions<JobWorkerOptions>
{
    public ValidateOptionsResult Validate(string? name, JobWorkerOptions options)
    {
        if (name != queue.Name || queue.AlsoServes.Count == 0)
            return ValidateOptionsResult.Skip;

        var faults = new OptionFaults($"AlsoServing of queue '{queue.Name}'");
        foreach (var (other, _) in queue.AlsoServes)
        {
            if (all.FirstOrDefault(each => each.Name == other) is not { } served)
                faults.Add($"it names queue '{other}', which is not registered in this process: add it with AddQueue, and its handlers.");
            else if (served.HasWorker)
                faults.Add($"it names queue '{other}', which has a worker of its own: leave out one of the two.");
            else if (all.First(each => each.AlsoServes.Any(pair => pair.Queue == other)) is var first && first != queue)
                faults.Add($"it names queue '{other}', which the worker of queue '{first.Name}' serves already: leave out one of the two.");
        }

        if (options.Prefetch > 0)
            faults.Add($"the worker's Prefetch is {options.Prefetch}; it must be 0 where it serves several queues.");
        return faults.Result();
    }
}
