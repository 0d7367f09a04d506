namespace ShapWorker.Penguins;

/// <summary>What is measured of one penguin: the row that the model predicts from.</summary>
internal sealed record Penguin(string Species, string Island, double BeakLengthMm, double BeakDepthMm, double FlipperLengthMm, string Sex);

/// <summary>A penguin that was weighed too: a row to train on.</summary>
internal sealed record WeighedPenguin(Penguin Penguin, double BodyMassGrams);
