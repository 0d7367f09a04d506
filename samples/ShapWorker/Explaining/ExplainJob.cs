using Resilient.Redis.Queue;
using ShapWorker.Penguins;

namespace ShapWorker.Explaining;

/// <summary>Explain these rows.</summary>
[JobName("shap.explain")]
internal sealed record ExplainJob(IReadOnlyList<Penguin> Rows)
{
    public const int MaxRows = 1_000;
}
