using System.Globalization;
using System.Text.Json;

namespace Resilient.Redis.Benchmarks;

/// <summary>The table, for people and for programs.</summary>
internal static class Report
{
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static void Print(IEnumerable<Result> results, TextWriter output)
    {
        output.WriteLine("| row | unit | ours | raw | ratio (above 1 is better than raw) | spread | bytes/op | added to raw | Redis calls a job |");
        output.WriteLine("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
        foreach (var result in results)
        {
            var bytes = result.BytesPerOp > 0 ? string.Create(CultureInfo.InvariantCulture, $"{result.BytesPerOp:0} | {result.BytesPerOp - result.RawBytesPerOp:+0;-0;0}") : " | ";
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {result.Row} | {result.Unit} | {result.Ours:0.000} | {result.Raw:0.000} | {result.Ratio:0.000} | {result.Spread:0.000} | {bytes} | {Calls(result)} |"));
        }
    }

    private static string Calls(Result result) => result.RedisCallsPerJob > 0 ? result.RedisCallsPerJob.ToString("0.0000", CultureInfo.InvariantCulture) : "";

    public static string ToJson(IEnumerable<Result> results) =>
        JsonSerializer.Serialize(results.Select(r => new { r.Key, r.Row, r.Unit, r.Ours, r.Raw, r.Ratio, r.Spread, r.BytesPerOp, r.RedisCallsPerJob }), s_json);
}
