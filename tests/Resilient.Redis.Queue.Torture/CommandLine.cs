using System.Globalization;

namespace Resilient.Redis.Queue.Torture;

/// <summary>What the run is asked for.</summary>
/// <param name="Length">How long faults are injected; draining comes on top.</param>
/// <param name="Seed">Of the schedule of faults and of the jobs.</param>
/// <param name="Keep">Whether the journals are kept.</param>
internal sealed record CommandLine(TimeSpan Length, int Seed, bool Keep)
{
    public const string Usage = "--minutes N | --seconds N   how long faults are injected (default 60 s)\n--seed N                    of faults and jobs (default 1)\n--keep                      keep the journals and say where";

    /// <exception cref="ArgumentException">It is none of <see cref="Usage"/>.</exception>
    public static CommandLine Parse(IReadOnlyList<string> args)
    {
        var line = new CommandLine(TimeSpan.FromSeconds(60), 1, false);
        for (var i = 0; i < args.Count; i++)
        {
            line = args[i] switch
            {
                "--minutes" => line with { Length = TimeSpan.FromMinutes(Number(++i)) },
                "--seconds" => line with { Length = TimeSpan.FromSeconds(Number(++i)) },
                "--seed" => line with { Seed = (int)Number(++i) },
                "--keep" => line with { Keep = true },
                var other => throw new ArgumentException($"'{other}' is not known."),
            };
        }

        return line;

        double Number(int at) => at < args.Count && double.TryParse(args[at], CultureInfo.InvariantCulture, out var number) && number > 0
            ? number
            : throw new ArgumentException($"{args[at - 1]} needs a number above zero.");
    }
}
