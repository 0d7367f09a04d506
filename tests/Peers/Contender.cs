namespace Resilient.Redis.Peers;

/// <summary>One of the queues that are compared.</summary>
/// <param name="Name">As it is named on the command line and in JSON.</param>
/// <param name="Title">As it is named in the table.</param>
/// <param name="Database">Each has a database of its own, to be emptied without disturbing another's worker.</param>
internal sealed record Contender(string Name, string Title, int Database)
{
    public static readonly Contender Ours = new("ours", "Resilient.Redis", 0);
    public static readonly Contender BullMQ = new("bullmq", "BullMQ", 1);
    public static readonly Contender Hangfire = new("hangfire", "Hangfire", 2);

    public static IReadOnlyList<Contender> All { get; } = [Ours, BullMQ, Hangfire];

    public static Contender Named(string name) => All.FirstOrDefault(contender => contender.Name == name)
        ?? throw new CannotRunException($"There is no contender '{name}'; there are {string.Join(", ", All.Select(contender => contender.Name))}.");
}
