using System.Text.Json;
using System.Text.Json.Serialization;
using Resilient.Redis.Queue;
using ShapWorker.Api;
using ShapWorker.Explaining;
using ShapWorker.Penguins;

namespace ShapWorker;

/// <summary>How jobs, results and the API's answers are written; made at compile time.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ExplainJob))]
[JsonSerializable(typeof(ExplainResult))]
[JsonSerializable(typeof(PenguinRecord[]))]
[JsonSerializable(typeof(JobAccepted))]
[JsonSerializable(typeof(JobAnswer))]
[JsonSerializable(typeof(PingAnswer))]
[JsonSerializable(typeof(QueueCounts))]
internal sealed partial class ShapJson : JsonSerializerContext
{
    /// <summary>For the queue: the same names and rules as the API's.</summary>
    public static JsonSerializerOptions ForJobs() => new(JsonSerializerDefaults.Web) { TypeInfoResolver = Default };
}
