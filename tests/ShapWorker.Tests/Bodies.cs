using System.Text.Json.Nodes;

namespace ShapWorker.Tests;

/// <summary>Requests as a caller would write them.</summary>
internal static class Bodies
{
    public const string Penguin =
        """{"species":"Gentoo","island":"Biscoe","beakLengthMm":49.2,"beakDepthMm":15.2,"flipperLengthMm":221,"sex":"male"}""";

    public static string Rows(int count) => $"[{string.Join(',', Enumerable.Repeat(Penguin, count))}]";

    /// <summary>A good penguin with one field set to some JSON; or without it where the JSON is empty.</summary>
    public static string With(string field, string json)
    {
        var penguin = JsonNode.Parse(Penguin)!.AsObject();
        penguin.Remove(field);
        var text = penguin.ToJsonString();
        return json.Length == 0 ? text : $"{text[..^1]},\"{field}\":{json}}}";
    }
}
