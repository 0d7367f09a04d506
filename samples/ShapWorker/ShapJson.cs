using System.Text.Json;
using System.Text.Json.Serialization;
using ShapWorker.Explaining;
using ShapWorker.Penguins;

namespace ShapWorker;

/// <summary>How jobs, results and the API's answers are written; made at compile time.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ExplainJob))]
[JsonSerializable(typeof(ExplainResult))]
[JsonSerializable(typeof(PenguinRecord[]))]
internal sealed partial class ShapJson : JsonSerializerContext;
