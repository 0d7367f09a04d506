using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using ShapWorker.Explaining;
using ShapWorker.Penguins;

namespace ShapWorker.Api;

/// <summary>An explanation as a picture: from the average prediction, one push a feature, to this penguin's prediction.</summary>
/// <remarks>Made by hand: the text can be selected and read aloud, no fonts or libraries are needed, and it is about 5 kB.</remarks>
internal static class WaterfallSvg
{
    public const int MinWidth = 280;
    public const int MaxWidth = 1_600;

    private const int StackedBelow = 560;
    private const int Margin = 20;
    private const int Top = 62;
    private const int Bar = 18;

    // Direction is told by the arrows' shape and by the sign too, never by colour alone.
    private const string Style = """
        .wf-back{fill:#fff}.wf{font:14px system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;fill:#1b2430}.wf-strong{font-weight:650}.wf-title{font-size:17px}
        .wf-soft{fill:#5b6675}.wf-small{font-size:12px}.wf-num{font-variant-numeric:tabular-nums}.wf-up{fill:#c2500a}.wf-down{fill:#1766b0}.wf-mark{fill:#1b2430}
        .wf-grid{stroke:#e5e9ef}.wf-link{stroke:#9aa5b4;stroke-dasharray:2 3}
        @media (prefers-color-scheme:dark){.wf-back{fill:#171e28}.wf,.wf-mark{fill:#e8edf4}.wf-soft{fill:#9fabba}.wf-up{fill:#ff9d5c}.wf-down{fill:#6cb6ff}.wf-grid{stroke:#2a3441}.wf-link{stroke:#5d6a7b}}
        """;

    /// <summary>For a content security policy that allows this style and no other.</summary>
    public static string StyleHash { get; } = "sha256-" + Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(Style)));

    /// <param name="explanation">What to draw.</param>
    /// <param name="width">In pixels; a narrow picture puts the labels above the bars, so that text keeps its size.</param>
    public static string Draw(Explanation explanation, int width)
    {
        var steps = Waterfall.Steps(explanation);
        var stacked = width < StackedBelow;
        var rowHeight = stacked ? 48 : 36;
        var height = Top + (steps.Count + 2) * rowHeight + 34;
        var scale = new Scale(steps, stacked ? Margin : 212, width - (stacked ? Margin : 104));
        var svg = new StringBuilder();
        Open(svg, explanation, steps, width, height);
        DrawGrid(svg, scale, height);

        var y = Top;
        DrawTotal(svg, "Average prediction", explanation.BaseValue, y, "");
        foreach (var step in steps)
        {
            y += rowHeight;
            DrawStep(step, y);
        }

        DrawTotal(svg, "This penguin", explanation.Prediction, y + rowHeight, " wf-strong");
        return svg.Append("</svg>").ToString();

        void DrawStep(Step step, int top)
        {
            var bar = BarTop(top);
            if (!stacked)
                Add(svg, $"<line class=\"wf-link\" x1=\"{scale.X(step.From):0.#}\" x2=\"{scale.X(step.From):0.#}\" y1=\"{bar - rowHeight + Bar}\" y2=\"{bar}\"/>");
            Add(svg, $"<text class=\"wf\" x=\"{Margin}\" y=\"{LabelLine(top)}\">{Text(step.Label)} <tspan class=\"wf-soft\">{Text(step.Value)}</tspan></text>");
            Add(svg, $"<polygon class=\"{(step.Push < 0 ? "wf-down" : "wf-up")}\" points=\"{Arrow(scale.X(step.From), scale.X(step.To), bar)}\"/>");
            Add(svg, $"<text class=\"wf wf-num {(step.Push < 0 ? "wf-down" : "wf-up")}\" text-anchor=\"end\" x=\"{width - Margin}\" y=\"{LabelLine(top)}\">{Waterfall.Signed(step.Push)}</text>");
        }

        void DrawTotal(StringBuilder target, string label, double grams, int top, string weight)
        {
            Add(target, $"<text class=\"wf{weight}\" x=\"{Margin}\" y=\"{LabelLine(top)}\">{label}</text>");
            Add(target, $"<circle class=\"wf-mark\" cx=\"{scale.X(grams):0.#}\" cy=\"{BarTop(top) + Bar / 2}\" r=\"6\"/>");
            Add(target, $"<text class=\"wf wf-num{weight}\" text-anchor=\"end\" x=\"{width - Margin}\" y=\"{LabelLine(top)}\">{Waterfall.Grams(grams)}</text>");
        }

        int BarTop(int top) => stacked ? top + 20 : top + 5;

        int LabelLine(int top) => stacked ? top + 14 : top + 19;
    }

    private static void Open(StringBuilder svg, Explanation explanation, IReadOnlyList<Step> steps, int width, int height)
    {
        Add(svg, $"<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" aria-labelledby=\"wf-title wf-desc\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">");
        Add(svg, $"<title id=\"wf-title\">Why this penguin is predicted to weigh {Waterfall.Grams(explanation.Prediction)}</title>");
        Add(svg, $"<desc id=\"wf-desc\">{Text(Waterfall.Tell(explanation, steps))}</desc><style>{Style}</style>");
        Add(svg, $"<rect class=\"wf-back\" width=\"{width}\" height=\"{height}\" rx=\"10\"/>");
        Add(svg, $"<text class=\"wf wf-title wf-strong\" x=\"{Margin}\" y=\"36\">Predicted body mass: {Waterfall.Grams(explanation.Prediction)}</text>");
    }

    private static void DrawGrid(StringBuilder svg, Scale scale, int height)
    {
        foreach (var tick in scale.Ticks())
        {
            Add(svg, $"<line class=\"wf-grid\" x1=\"{scale.X(tick):0.#}\" x2=\"{scale.X(tick):0.#}\" y1=\"{Top - 6}\" y2=\"{height - 32}\"/>");
            Add(svg, $"<text class=\"wf wf-soft wf-small wf-num\" text-anchor=\"middle\" x=\"{Math.Min(scale.X(tick), scale.Right - 10):0.#}\" y=\"{height - 14}\">{Waterfall.Grams(tick)}</text>");
        }
    }

    /// <summary>A bar with a point in the direction of its push; never too thin to be seen.</summary>
    private static string Arrow(double from, double to, int top)
    {
        var direction = to < from ? -1 : 1;
        var length = Math.Max(Math.Abs(to - from), 4);
        var tip = from + direction * length;
        var neck = from + direction * Math.Max(length - 7, 0);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{from:0.#},{top} {neck:0.#},{top} {tip:0.#},{top + Bar / 2} {neck:0.#},{top + Bar} {from:0.#},{top + Bar}");
    }

    private static void Add(StringBuilder svg, FormattableString markup) => svg.Append(markup.ToString(CultureInfo.InvariantCulture));

    private static string Text(string text) => WebUtility.HtmlEncode(text);

    /// <summary>Grams to pixels, with a little air on both sides.</summary>
    private sealed class Scale
    {
        private readonly double _low;
        private readonly double _span;
        private readonly int _left;
        private readonly int _right;

        public Scale(IReadOnlyList<Step> steps, int left, int right)
        {
            var low = steps.Min(step => Math.Min(step.From, step.To));
            var high = steps.Max(step => Math.Max(step.From, step.To));
            var air = Math.Max((high - low) * 0.08, 5);
            (_low, _span, _left, _right) = (low - air, high - low + 2 * air, left, right);
        }

        public int Right => _right;

        public double X(double grams) => _left + (grams - _low) / _span * (_right - _left);

        /// <summary>Round numbers, about 90 pixels apart.</summary>
        public IEnumerable<double> Ticks()
        {
            var rough = _span / Math.Max((_right - _left) / 90.0, 1);
            var power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
            var step = power * (rough / power) switch { < 1.5 => 1, < 3.5 => 2, < 7.5 => 5, _ => 10 };
            for (var tick = Math.Ceiling(_low / step) * step; tick <= _low + _span; tick += step)
                yield return tick;
        }
    }
}
