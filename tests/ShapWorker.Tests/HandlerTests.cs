using Resilient.Redis.Queue;
using ShapWorker.Explaining;
using ShapWorker.Penguins;

namespace ShapWorker.Tests;

/// <summary>The handler alone, without a queue.</summary>
public sealed class HandlerTests : IDisposable
{
    private static readonly Penguin s_penguin = PenguinData.Complete[0].Penguin;

    private readonly PenguinModel _model = PenguinModel.Train();

    public void Dispose() => _model.Dispose();

    [Fact]
    public async Task Result_has_one_explanation_a_row()
    {
        var context = new Context();

        await new ExplainHandler(_model).HandleAsync(new([s_penguin, s_penguin]), context, CancellationToken.None);

        context.Result.Should().BeOfType<ExplainResult>().Which.Rows.Should().HaveCount(2);
    }

    [Theory]
    [InlineData(0, "Adelie", "0 rows")]
    [InlineData(1_001, "Adelie", "1001 rows")]
    [InlineData(1, "Emperor", "species is 'Emperor'")]
    public async Task Job_that_no_retry_would_mend_is_given_up_with_its_reason(int rows, string species, string reason)
    {
        var job = new ExplainJob([.. Enumerable.Repeat(s_penguin with { Species = species }, rows)]);

        var handle = () => new ExplainHandler(_model).HandleAsync(job, new Context(), CancellationToken.None);

        (await handle.Should().ThrowAsync<JobDeadException>()).WithMessage($"*{reason}*");
    }

    private sealed class Context : JobContext
    {
        public object? Result { get; private set; }

        public override string Queue => "shap";

        public override JobId Id { get; } = JobId.New();

        public override int Attempt => 1;

        public override long FenceToken => 1;

        public override IReadOnlyDictionary<string, string> Headers { get; } = new Dictionary<string, string>();

        public override StopReason StopReason => StopReason.None;

        public override string? CancelReason => null;

        public override void ReportProgress(double fraction, string? message = null)
        {
        }

        public override JobId EnqueueOnCompletion<TJob>(TJob job, EnqueueOptions? options = null, string? queue = null) => throw new NotSupportedException();

        public override void SetResult<T>(T result) => Result = result;
    }
}
