using System.Globalization;
using System.Text.Json;
using ShapWorker.Explaining;
using ShapWorker.Penguins;

namespace ShapWorker.Api;

/// <summary>Reads the rows of a request and names every field that is wrong, as in <c>rows[3].flipperLengthMm</c>.</summary>
internal sealed class PenguinReader
{
    private const int MaxErrors = 20;
    private const int MaxNameLength = 40;

    private static readonly string s_names = string.Join(", ", Feature.All.Select(feature => feature.Name));

    private readonly Dictionary<string, string[]> _errors = [];
    private readonly List<Penguin> _rows = [];

    /// <summary>By the name of the field; empty when all is well.</summary>
    public Dictionary<string, string[]> Errors => _errors;

    public IReadOnlyList<Penguin> Rows => _rows;

    /// <param name="body">One row, an array of rows, or an object with the rows in its field <c>rows</c>.</param>
    public static PenguinReader Read(JsonElement body)
    {
        var reader = new PenguinReader();
        if (body.ValueKind == JsonValueKind.Array)
            reader.ReadRows(body);
        else if (body.ValueKind == JsonValueKind.Object && body.TryGetProperty("rows", out var rows))
            reader.ReadWrapped(body, rows);
        else if (body.ValueKind == JsonValueKind.Object)
            reader.ReadRow(body, "");
        else
            reader.Wrong("body", $"It is {Name(body)}; it must be a penguin, an array of penguins, or an object with the array in its field rows.");
        return reader;
    }

    private void ReadWrapped(JsonElement body, JsonElement rows)
    {
        foreach (var property in body.EnumerateObject().Where(property => property.Name != "rows"))
            Wrong(Shorten(property.Name), "Unknown field: beside rows there is none.");
        if (rows.ValueKind == JsonValueKind.Array)
            ReadRows(rows);
        else
            Wrong("rows", $"It is {Name(rows)}; it must be an array of penguins.");
    }

    private void ReadRows(JsonElement rows)
    {
        var count = rows.GetArrayLength();
        if (count is 0 or > ExplainJob.MaxRows)
        {
            Wrong("rows", string.Create(CultureInfo.InvariantCulture, $"It has {count} rows; 1 to {ExplainJob.MaxRows} are allowed."));
            return;
        }

        var index = 0;
        foreach (var row in rows.EnumerateArray())
        {
            // A thousand faults help nobody more than the first twenty.
            if (_errors.Count >= MaxErrors)
                return;
            ReadRow(row, $"rows[{index++}]");
        }
    }

    private void ReadRow(JsonElement row, string path)
    {
        if (row.ValueKind != JsonValueKind.Object)
        {
            Wrong(path, $"It is {Name(row)}; it must be a penguin: an object with {s_names}.");
            return;
        }

        var prefix = path.Length == 0 ? "" : path + ".";
        foreach (var property in row.EnumerateObject().Where(property => Feature.All.All(feature => feature.Name != property.Name)))
            Wrong(prefix + Shorten(property.Name), $"Unknown field; a penguin has {s_names}.");

        var before = _errors.Count;
        var penguin = new Penguin(
            ReadWord(row, prefix, Feature.Species),
            ReadWord(row, prefix, Feature.Island),
            ReadNumber(row, prefix, Feature.BeakLength),
            ReadNumber(row, prefix, Feature.BeakDepth),
            ReadNumber(row, prefix, Feature.FlipperLength),
            ReadWord(row, prefix, Feature.Sex));
        if (_errors.Count == before)
            _rows.Add(penguin);
    }

    private string ReadWord(JsonElement row, string prefix, Choice choice)
    {
        var allowed = $"it must be one of {string.Join(", ", choice.Allowed)}";
        if (!row.TryGetProperty(choice.Name, out var value))
            return Wrong(prefix + choice.Name, $"It is missing; {allowed}.");
        if (value.ValueKind != JsonValueKind.String)
            return Wrong(prefix + choice.Name, $"It is {Name(value)}; {allowed}.");
        return choice.Find(value.GetString()) ?? Wrong(prefix + choice.Name, $"It is '{Shorten(value.GetString()!)}'; {allowed}.");
    }

    private double ReadNumber(JsonElement row, string prefix, Measure measure)
    {
        var allowed = string.Create(CultureInfo.InvariantCulture, $"it must be a number from {measure.Min} to {measure.Max}, in mm");
        double number = 0;
        if (!row.TryGetProperty(measure.Name, out var value))
            Wrong(prefix + measure.Name, $"It is missing; {allowed}.");
        else if (value.ValueKind != JsonValueKind.Number)
            Wrong(prefix + measure.Name, $"It is {Name(value)}; {allowed}.");
        else if (!value.TryGetDouble(out number) || !(number >= measure.Min && number <= measure.Max))
            Wrong(prefix + measure.Name, $"It is {Shorten(value.GetRawText())}; {allowed}.");
        return number;
    }

    private string Wrong(string field, string message)
    {
        _errors[field] = [message];
        return "";
    }

    private static string Name(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => "null",
        JsonValueKind.String => $"the text '{Shorten(value.GetString()!)}'",
        JsonValueKind.Number => $"the number {Shorten(value.GetRawText())}",
        JsonValueKind.True or JsonValueKind.False => "true or false",
        JsonValueKind.Array => "an array",
        _ => "an object",
    };

    private static string Shorten(string text) => text.Length <= MaxNameLength ? text : text[..MaxNameLength] + "…";
}
