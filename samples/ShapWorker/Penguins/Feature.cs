using System.Globalization;

namespace ShapWorker.Penguins;

/// <summary>One feature: how it is named, what it may be, and the number that the model sees.</summary>
internal abstract record Feature(string Name, string Label)
{
    public static readonly Choice Species = new("species", "Species", ["Adelie", "Chinstrap", "Gentoo"], static penguin => penguin.Species);
    public static readonly Choice Island = new("island", "Island", ["Biscoe", "Dream", "Torgersen"], static penguin => penguin.Island);

    // The ranges are about a third wider than what was measured: beyond them it is a slip of the keyboard, not a penguin.
    public static readonly Measure BeakLength = new("beakLengthMm", "Beak length", 20, 80, static penguin => penguin.BeakLengthMm);
    public static readonly Measure BeakDepth = new("beakDepthMm", "Beak depth", 8, 30, static penguin => penguin.BeakDepthMm);
    public static readonly Measure FlipperLength = new("flipperLengthMm", "Flipper length", 120, 300, static penguin => penguin.FlipperLengthMm);
    public static readonly Choice Sex = new("sex", "Sex", ["female", "male"], static penguin => penguin.Sex);

    /// <summary>In the order of the model's columns.</summary>
    public static readonly IReadOnlyList<Feature> All = [Species, Island, BeakLength, BeakDepth, FlipperLength, Sex];

    /// <summary>The number that the model sees.</summary>
    public abstract double Encode(Penguin penguin);

    /// <summary>What a person reads, with its unit.</summary>
    public abstract string Describe(Penguin penguin);
}

/// <summary>A feature that is one of a few words.</summary>
internal sealed record Choice(string Name, string Label, IReadOnlyList<string> Allowed, Func<Penguin, string> Read) : Feature(Name, Label)
{
    /// <summary>The word as we write it, whatever its case; null when it is none of ours.</summary>
    public string? Find(string? word) => Allowed.FirstOrDefault(allowed => allowed.Equals(word, StringComparison.OrdinalIgnoreCase));

    public override double Encode(Penguin penguin)
    {
        for (var code = 0; code < Allowed.Count; code++)
            if (Allowed[code] == Read(penguin))
                return code;
        throw new ArgumentException($"{Name} is '{Read(penguin)}'; it must be one of {string.Join(", ", Allowed)}.", nameof(penguin));
    }

    public override string Describe(Penguin penguin) => Read(penguin);
}

/// <summary>A feature that is measured, in millimetres.</summary>
internal sealed record Measure(string Name, string Label, double Min, double Max, Func<Penguin, double> Read) : Feature(Name, Label)
{
    public override double Encode(Penguin penguin) => Read(penguin);

    public override string Describe(Penguin penguin) => string.Create(CultureInfo.InvariantCulture, $"{Read(penguin):0.##} mm");
}
