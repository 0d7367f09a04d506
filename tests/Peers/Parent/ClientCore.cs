namespace Resilient.Redis.Peers.Parent;

/// <summary>All contenders run on the one core that the server does not have, all their threads and from their start: they are told of one processor too.</summary>
internal static class ClientCore
{
    private const string Core = "1";

    public static IReadOnlyList<string> Prefix { get; } =
        OperatingSystem.IsLinux() && Environment.ProcessorCount > 1 && Programs.Find("taskset") is { } taskset ? [taskset, "-c", Core] : [];

    public static string Text => Prefix.Count > 0 ? "a core for the server and one for each contender in turn" : "not pinned to cores: taskset is missing";
}
