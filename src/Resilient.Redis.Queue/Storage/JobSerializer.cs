using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Resilient.Redis.Queue.Storage;

/// <summary>Jobs and results as JSON: the user's source-generated context first, reflection where the application allows it.</summary>
internal sealed class JobSerializer(JsonSerializerOptions? options)
{
    private const string ReflectionSwitch = "System.Text.Json.JsonSerializer.IsReflectionEnabledByDefault";

    public JsonSerializerOptions Options { get; } = new(options ?? new(JsonSerializerDefaults.Web))
    {
        TypeInfoResolver = JsonTypeInfoResolver.Combine(options?.TypeInfoResolver, ReflectionIsEnabled ? JsonSerializerOptions.Web.TypeInfoResolver : null),
    };

    /// <summary>The switch of System.Text.Json itself, which trimming and AOT turn off: then only source-generated types are known.</summary>
    [FeatureSwitchDefinition(ReflectionSwitch)]
    [FeatureGuard(typeof(RequiresUnreferencedCodeAttribute))]
    [FeatureGuard(typeof(RequiresDynamicCodeAttribute))]
    private static bool ReflectionIsEnabled { get; } = JsonSerializer.IsReflectionEnabledByDefault;

    /// <exception cref="NotSupportedException">The type cannot be written.</exception>
    public byte[] Write<T>(T value) => JsonSerializer.SerializeToUtf8Bytes(value, Info<T>());

    /// <exception cref="JsonException">It is no JSON of this type.</exception>
    public T? Read<T>(ReadOnlySpan<byte> json) => JsonSerializer.Deserialize(json, Info<T>());

    private JsonTypeInfo<T> Info<T>() =>
        Options.TryGetTypeInfo(typeof(T), out var info)
            ? (JsonTypeInfo<T>)info
            : throw new NotSupportedException(
                $"JSON of {typeof(T).Name} was asked for, but nothing tells how to write it. " +
                $"Add [JsonSerializable(typeof({typeof(T).Name}))] to a JsonSerializerContext and set JobQueueOptions.SerializerOptions with it.");
}
