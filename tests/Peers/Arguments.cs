namespace Resilient.Redis.Peers;

/// <summary>What was asked for on the command line.</summary>
/// <param name="Contenders">Who takes part, in the order of the columns.</param>
/// <param name="Rows">Which rows are measured.</param>
/// <param name="Rounds">How often each is.</param>
/// <param name="Json">Where the figures go, besides the table.</param>
internal sealed record Arguments(IReadOnlyList<Contender> Contenders, IReadOnlyList<Row> Rows, int Rounds, string? Json)
{
    private const int FullRounds = 5;
    private const int QuickRounds = 2;

    public static Arguments Parse(string[] args)
    {
        var (contenders, rows, json) = (Contender.All, Row.All, default(string));
        var rounds = FullRounds;
        for (var i = 0; i < args.Length; i++)
        {
            switch (args[i])
            {
                case "--only" when i + 1 < args.Length:
                    var names = args[++i].Split(',');
                    contenders = [.. names.Select(Contender.Named).OrderBy(contender => contender.Database)];
                    break;
                case "--row" when i + 1 < args.Length:
                    var key = args[++i];
                    rows = [.. Row.All.Where(row => row.Key == key)];
                    if (rows.Count == 0)
                        throw new CannotRunException($"There is no row '{key}'; there are {string.Join(", ", Row.All.Select(row => row.Key))}.");
                    break;
                case "--json" when i + 1 < args.Length:
                    json = args[++i];
                    break;
                case "--quick":
                    rounds = QuickRounds;
                    break;
                default:
                    throw new CannotRunException($"'{args[i]}' is no argument; there are --only ours,bullmq,hangfire, --row KEY, --quick and --json FILE.");
            }
        }

        return new Arguments(contenders, rows, rounds, json);
    }
}
