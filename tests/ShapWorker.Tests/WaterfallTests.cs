using System.Xml.Linq;
using ShapWorker.Api;
using ShapWorker.Explaining;
using ShapWorker.Penguins;

namespace ShapWorker.Tests;

public sealed class WaterfallTests
{
    private static readonly XNamespace s_svg = "http://www.w3.org/2000/svg";

    private static readonly Explanation s_explanation = new(
        new("Gentoo", "Biscoe", 49.2, 15.2, 221, "male"),
        4_207.06,
        new Dictionary<string, double>
        {
            ["species"] = 654.4,
            ["island"] = 0.2,
            ["beakLengthMm"] = -231.4,
            ["beakDepthMm"] = 5.1,
            ["flipperLengthMm"] = 504,
            ["sex"] = -291,
        },
        4_848.36);

    [Theory]
    [InlineData(280)]
    [InlineData(720)]
    [InlineData(1_600)]
    public void Picture_tells_base_each_push_and_prediction(int width)
    {
        var svg = XDocument.Parse(WaterfallSvg.Draw(s_explanation, width)).Root!;

        var text = string.Join('|', svg.Descendants(s_svg + "text").Select(element => element.Value));
        text.Should().ContainAll("4,207 g", "Species Gentoo", "+654 g", "Flipper length 221 mm", "+504 g", "Sex male", "−291 g", "−231 g", "±0 g", "4,848 g");
        svg.Descendants(s_svg + "polygon").Should().HaveCount(6);
    }

    [Fact]
    public void Picture_is_read_aloud()
    {
        var svg = XDocument.Parse(WaterfallSvg.Draw(s_explanation, 720)).Root!;

        svg.Attribute("role")!.Value.Should().Be("img");
        svg.Attribute("aria-labelledby")!.Value.Should().Be("wf-title wf-desc");
        svg.Element(s_svg + "title")!.Value.Should().Be("Why this penguin is predicted to weigh 4,848 g");
        svg.Element(s_svg + "desc")!.Value.Should().Be(
            "From the average prediction of 4,207 g: Species Gentoo +654 g, Flipper length 221 mm +504 g, Sex male −291 g, "
            + "Beak length 49.2 mm −231 g, Beak depth 15.2 mm +5 g, Island Biscoe ±0 g; which gives 4,848 g.");
    }

    [Fact]
    public void Steps_lead_from_the_base_to_the_prediction_strongest_first()
    {
        var steps = Waterfall.Steps(s_explanation);

        steps.Select(step => Math.Abs(step.Push)).Should().BeInDescendingOrder();
        steps[0].From.Should().Be(s_explanation.BaseValue);
        steps[^1].To.Should().BeApproximately(s_explanation.Prediction, 1e-6);
    }

    [Fact]
    public void Picture_has_light_and_dark_and_nothing_from_elsewhere()
    {
        var svg = WaterfallSvg.Draw(s_explanation, 720);

        svg.Should().Contain("prefers-color-scheme:dark").And.NotContain("href").And.NotContain("<script");
        svg.Length.Should().BeLessThan(8_000);
    }

    [Fact]
    public void Words_of_a_job_that_others_wrote_are_escaped()
    {
        var evil = s_explanation with { Row = s_explanation.Row with { Species = "<script>alert(1)</script>&\"" } };

        var svg = WaterfallSvg.Draw(evil, 720);

        svg.Should().NotContain("<script").And.Contain("&lt;script&gt;");
        XDocument.Parse(svg).Should().NotBeNull();
    }

    [Fact]
    public void Explanation_without_any_push_can_be_drawn()
    {
        var flat = s_explanation with { Contributions = Feature.All.ToDictionary(feature => feature.Name, _ => 0.0), Prediction = s_explanation.BaseValue };

        WaterfallSvg.Draw(flat, 320).Should().NotContain("NaN").And.NotContain("∞");
    }
}
