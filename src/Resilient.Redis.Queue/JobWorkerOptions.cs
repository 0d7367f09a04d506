namespace Resilient.Redis.Queue;

/// <summary>How a worker runs a queue's jobs.</summary>
public sealed class JobWorkerOptions
{
    /// <summary>Who this worker is, as a job's history tells it. Default the machine's name and the process id; 1 to 64 characters, of which all but letters, digits and <c>- _ .</c> are replaced.</summary>
    public string? Name { get; set; }

    /// <summary>How many jobs run at once. Default the number of processors; from 1 to 10,000.</summary>
    public int Concurrency { get; set; } = Environment.ProcessorCount;

    /// <summary>This queue's share of the slots beside queues that <c>AlsoServing</c> adds with a weight. Default 1; from 1 to 1,000. Of no effect for a worker of one queue.</summary>
    public int Weight { get; set; } = 1;

    /// <summary>How many jobs are claimed ahead of free slots. Default 0; from 0 to 10,000. More is faster for short jobs, and fairer with less. Has to be 0 where the worker serves several queues: what is claimed ahead could not wait for what matters more.</summary>
    public int Prefetch { get; set; }

    /// <summary>The longest time between two looks of an idle worker; new jobs ring a doorbell before that. Default 2 s, or a fifth of <see cref="JobQueueOptions.Lease"/> when that is less; from 100 ms to a quarter of the lease.</summary>
    public TimeSpan? IdlePoll { get; set; }

    /// <summary>How long running handlers may finish at shutdown before they are asked to stop. Default 20 s; from 0 to 1 h. Ends early when the host's own time is up: raise <c>HostOptions.ShutdownTimeout</c> with it.</summary>
    public TimeSpan ShutdownGrace { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>The longest time of one handler run. None by default; more than zero.</summary>
    public TimeSpan? JobTimeout { get; set; }

    /// <summary>Whether a handler's token also fires when its lease is only in doubt. Default false: it fires when the lease is known to be lost.</summary>
    public bool StopInDoubt { get; set; }

    /// <summary>Whether memory is given back to the system after large jobs. Variable <c>AGGRESSIVE_MEMORY_MANAGEMENT</c> (true, false, 1, 0) where this is null. Default false.</summary>
    public bool? AggressiveMemoryManagement { get; set; }

    /// <summary>How many jobs have to end while a call is under way to be worth a call beside it. Small only in tests: a call for few costs Redis more a job.</summary>
    internal int CallBesideFrom { get; set; } = 200;
}
