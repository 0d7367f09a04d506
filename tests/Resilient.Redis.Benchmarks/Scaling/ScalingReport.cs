using System.Globalization;
using System.Text.Json;

namespace Resilient.Redis.Benchmarks.Scaling;

/// <summary>The two tables as they stand in docs/performance.md: what a job costs, and what follows from it for a million jobs a second.</summary>
internal static class ScalingReport
{
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static void Print(IReadOnlyList<Figures> figures, TextWriter output)
    {
        output.WriteLine("| load | work | jobs/s here | servers us/job (from, to) | each primary us/job | client us/job | calls/job | bytes in, out/job |");
        output.WriteLine("| --- | --- | --- | --- | --- | --- | --- | --- |");
        foreach (var f in figures)
            Line(output, $"| {f.Load.Row} | {f.Work} | {f.JobsPerSecond:N0} | {f.Server:0.00} ({f.ServerFrom:0.00}, {f.ServerTo:0.00}) | {Each(f.Nodes)} | {f.Client:0.00} | {f.Calls:0.0000} | {f.BytesIn:0}, {f.BytesOut:0} |");
        output.WriteLine();
        output.WriteLine("| enqueued and worked off | jobs/s until the busiest primary is full | for 1,000,000 jobs/s: primaries, all full | cores of clients | Gbit/s in, out | bytes a waiting job; GB a minute of backlog | bytes an ended job; GB an hour of ResultRetention |");
        output.WriteLine("| --- | --- | --- | --- | --- | --- | --- |");
        foreach (var (enqueue, drain) in Loads(figures))
            Line(output, $"| {enqueue.Load.Row} | {1e6 / BusiestOfBoth(enqueue, drain):N0} | {enqueue.Server + drain.Server:0.0} | {enqueue.Client + drain.Client:0.0} | {Gigabits(enqueue.BytesIn + drain.BytesIn):0.0}, {Gigabits(enqueue.BytesOut + drain.BytesOut):0.0} | {Memory(enqueue.Memory, TimeSpan.FromMinutes(1))} | {(enqueue.Load.BesideForgetting ? "" : Memory(enqueue.Memory + drain.Memory, TimeSpan.FromHours(1)))} |");
    }

    public static string ToJson(IReadOnlyList<Figures> figures) => JsonSerializer.Serialize(
        figures.Select(f => new { f.Load.Key, f.Load.Row, f.Work, f.JobsPerSecond, f.Server, f.ServerFrom, f.ServerTo, f.Scripts, f.Nodes, f.Client, f.Calls, f.BytesIn, f.BytesOut, f.Memory }), s_json);

    private static IEnumerable<(Figures Enqueue, Figures Drain)> Loads(IReadOnlyList<Figures> figures) =>
        figures.Chunk(2).Select(pair => (pair[0], pair[1]));

    /// <summary>In a steady state a primary does both.</summary>
    private static double BusiestOfBoth(Figures enqueue, Figures drain) => enqueue.Nodes.Zip(drain.Nodes, (one, other) => one + other).Max();

    /// <summary>A second of a million jobs.</summary>
    private static double Gigabits(double bytes) => bytes * 8 * 1e6 / 1e9;

    private static string Memory(double bytes, TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{bytes:0}; {bytes * 1e6 * time.TotalSeconds / 1e9:N0}");

    private static string Each(double[] nodes) => string.Join(" / ", nodes.Select(node => node.ToString("0.00", CultureInfo.InvariantCulture)));

    private static void Line(TextWriter output, FormattableString line) => output.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
