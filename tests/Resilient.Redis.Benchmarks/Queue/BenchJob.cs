using System.Text.Json.Serialization;
using Resilient.Redis.Queue;

namespace Resilient.Redis.Benchmarks.Queue;

/// <summary>The one job of all rows: 200 bytes of JSON.</summary>
[JobName("b")]
internal sealed record BenchJob(string Text)
{
    public const int Bytes = 200;

    public static readonly BenchJob Instance = new(new string('x', Bytes - "{\"text\":\"\"}".Length));
}

[JsonSerializable(typeof(BenchJob))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
internal sealed partial class BenchJson : JsonSerializerContext;
