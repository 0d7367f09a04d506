using System.Text.Json;
using System.Text.Json.Serialization;

namespace ShapWorker.Penguins;

/// <summary>The Palmer penguins (CC0; see Data/SOURCE.md), without the rows in which something is missing.</summary>
internal static class PenguinData
{
    private static readonly Lazy<IReadOnlyList<WeighedPenguin>> s_complete = new(Load);

    public static IReadOnlyList<WeighedPenguin> Complete => s_complete.Value;

    private static IReadOnlyList<WeighedPenguin> Load()
    {
        using var stream = typeof(PenguinData).Assembly.GetManifestResourceStream("penguins.json")!;
        return [.. JsonSerializer.Deserialize(stream, ShapJson.Default.PenguinRecordArray)!.Select(Read).OfType<WeighedPenguin>()];
    }

    /// <summary>Null for a row with a gap: 11 of 344 have one, and the sex of one of them is a full stop.</summary>
    private static WeighedPenguin? Read(PenguinRecord row) =>
        row is { BeakLength: { } length, BeakDepth: { } depth, FlipperLength: { } flipper, BodyMass: { } mass }
        && Feature.Species.Find(row.Species) is { } species
        && Feature.Island.Find(row.Island) is { } island
        && Feature.Sex.Find(row.Sex) is { } sex
            ? new(new(species, island, length, depth, flipper, sex), mass)
            : null;
}

/// <summary>A row of the file, in the file's own words.</summary>
internal sealed record PenguinRecord(
    [property: JsonPropertyName("Species")] string? Species,
    [property: JsonPropertyName("Island")] string? Island,
    [property: JsonPropertyName("Beak Length (mm)")] double? BeakLength,
    [property: JsonPropertyName("Beak Depth (mm)")] double? BeakDepth,
    [property: JsonPropertyName("Flipper Length (mm)")] double? FlipperLength,
    [property: JsonPropertyName("Body Mass (g)")] double? BodyMass,
    [property: JsonPropertyName("Sex")] string? Sex);
