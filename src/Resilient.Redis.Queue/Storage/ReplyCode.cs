namespace Resilient.Redis.Queue.Storage;

/// <summary>What a script says of one job or call. Mirrors the codes of Scripts/_prelude.lua; a test compares the two.</summary>
internal enum ReplyCode
{
    /// <summary>Done as asked.</summary>
    Accepted = 1,

    /// <summary>Done before: the id is known, or the settlement is a repeat.</summary>
    Already = 2,

    /// <summary>Refused: the caller does not hold the lease (any more).</summary>
    Lost = 3,

    /// <summary>There is no such job, or no recurring job of this name.</summary>
    Gone = 4,

    /// <summary>The lane has seen a later call: nothing was changed.</summary>
    Stale = 5,

    /// <summary>The call arrived after its validity, and the job is not known: nothing was changed.</summary>
    Late = 6,

    /// <summary>Another job holds the unique key: this one was not made.</summary>
    Duplicate = 7,

    /// <summary>The queue has as many jobs as it may: nothing was changed.</summary>
    Full = 8,

    /// <summary>The job had ended before, or the recurring job was removed: nothing was changed.</summary>
    Ended = 9,

    /// <summary>A worker has the job: nothing was changed.</summary>
    Running = 10,

    /// <summary>The queue takes no new jobs until it is resumed: none was made.</summary>
    Draining = 11,

    /// <summary>There are not as many jobs as the caller has seen: nothing was changed.</summary>
    Changed = 12,
}
