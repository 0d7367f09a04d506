using System.Runtime.InteropServices;
using ShapWorker.Explaining;
using ShapWorker.LightGbm;
using ShapWorker.Penguins;

namespace ShapWorker.Tests;

public sealed class ModelTests : IDisposable
{
    private readonly PenguinModel _model = PenguinModel.Train();

    public void Dispose() => _model.Dispose();

    [Fact]
    public void Data_has_the_333_complete_penguins()
    {
        PenguinData.Complete.Should().HaveCount(333);
        PenguinData.Complete.Should().OnlyContain(row => row.BodyMassGrams > 2_000 && row.Penguin.FlipperLengthMm > 100);
    }

    [Fact]
    public void Every_penguin_of_the_data_is_explained_additively()
    {
        var explanations = _model.Explain([.. PenguinData.Complete.Select(row => row.Penguin)]);

        explanations.Should().HaveCount(333);
        explanations.Max(explanation => explanation.AdditivityError()).Should().BeLessThan(1e-6);
    }

    [Fact]
    public void Contributions_equal_brute_force_over_all_64_coalitions()
    {
        var brute = new BruteForceShapley(_model.Dump());

        // Every 40th row: nine penguins of all species, islands and sexes; and one that no penguin ever was.
        foreach (var penguin in PenguinData.Complete.Where((_, index) => index % 40 == 0).Select(row => row.Penguin)
            .Append(new("Gentoo", "Torgersen", 79, 8, 120, "female")))
        {
            var expected = brute.Explain([.. Feature.All.Select(feature => feature.Encode(penguin))]);

            var explanation = _model.Explain([penguin])[0];

            for (var feature = 0; feature < Feature.All.Count; feature++)
                explanation.Contributions[Feature.All[feature].Name].Should().BeApproximately(expected[feature], 1e-6, Feature.All[feature].Name);
            explanation.BaseValue.Should().BeApproximately(expected[^1], 1e-6);
        }
    }

    [Fact]
    public void Every_feature_is_used()
    {
        var explanations = _model.Explain([.. PenguinData.Complete.Select(row => row.Penguin)]);

        foreach (var feature in Feature.All)
            explanations.Should().Contain(explanation => Math.Abs(explanation.Contributions[feature.Name]) > 1, feature.Name);
    }

    [Fact]
    public void Training_again_gives_the_same_model()
    {
        using var second = PenguinModel.Train();

        second.Dump().Should().Be(_model.Dump());
    }

    [Fact]
    public async Task Model_is_shared_by_threads()
    {
        var penguins = PenguinData.Complete.Take(50).Select(row => row.Penguin).ToArray();
        var alone = _model.Explain(penguins);

        var together = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(() => _model.Explain(penguins))));

        together.Should().AllSatisfy(explanations => explanations.Select(e => e.Prediction).Should().Equal(alone.Select(e => e.Prediction)));
    }

    [Theory]
    [InlineData(Architecture.X64, "linux", "libgomp.so.1: cannot open shared object file", "apt-get install -y libgomp1")]
    [InlineData(Architecture.X64, "linux", "Unable to load lib_lightgbm", "dotnet build")]
    [InlineData(Architecture.X64, "osx", "Library not loaded: libomp.dylib", "brew install libomp")]
    [InlineData(Architecture.X64, "windows", "Unable to load lib_lightgbm", "Visual C++ runtime")]
    [InlineData(Architecture.Arm64, "linux", "Unable to load lib_lightgbm", "x64 only")]
    [InlineData(Architecture.Arm64, "osx", "Unable to load lib_lightgbm", "x64 .NET SDK")]
    public void Missing_library_says_what_to_install(Architecture architecture, string system, string loaderMessage, string remedy) =>
        LightGbmException.HowToInstall(architecture, OSPlatform.Create(system.ToUpperInvariant()), loaderMessage).Should().Contain(remedy);

    [Fact]
    public void Word_that_the_model_does_not_know_is_refused_and_named()
    {
        var explain = () => _model.Explain([PenguinData.Complete[0].Penguin with { Species = "Emperor" }]);

        explain.Should().Throw<ArgumentException>().WithMessage("species is 'Emperor'; it must be one of Adelie, Chinstrap, Gentoo.*");
    }
}
