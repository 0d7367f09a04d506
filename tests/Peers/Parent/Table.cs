using System.Globalization;
using System.Text.Json;

namespace Resilient.Redis.Peers.Parent;

/// <summary>The figures, for people and for programs.</summary>
internal static class Table
{
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static void Print(string about, IEnumerable<Result> results, IReadOnlyList<Contender> contenders, TextWriter output)
    {
        output.WriteLine(about);
        output.WriteLine();
        output.WriteLine($"| row | unit | {string.Join(" | ", contenders.Select(contender => contender.Title))} | ours to the best peer (above 1 is better) | spread |");
        output.WriteLine($"| --- | --- |{string.Concat(contenders.Select(_ => " --- |"))} --- | --- |");
        foreach (var result in results)
        {
            var figures = contenders.Select(contender => result.Figures.TryGetValue(contender, out var value) ? Format(value) : "");
            output.WriteLine($"| {result.Row} | {result.Unit} | {string.Join(" | ", figures)} | {Format(result.Ratio)} | {Format(result.Spread)} |");
        }
    }

    public static string ToJson(IEnumerable<Result> results) => JsonSerializer.Serialize(
        results.Select(r => new
        {
            r.Key,
            r.Row,
            r.Unit,
            Ours = Of(r, Contender.Ours),
            BullMQ = Of(r, Contender.BullMQ),
            Hangfire = Of(r, Contender.Hangfire),
            r.Ratio,
            r.Spread,
        }),
        s_json);

    private static double? Of(Result result, Contender contender) => result.Figures.TryGetValue(contender, out var value) ? value : null;

    private static string Format(double? value) => value switch
    {
        null => "",
        >= 100 => value.Value.ToString("N0", CultureInfo.InvariantCulture),
        >= 1 => value.Value.ToString("0.00", CultureInfo.InvariantCulture),
        _ => value.Value.ToString("0.0000", CultureInfo.InvariantCulture),
    };
}
