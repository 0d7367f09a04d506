namespace Resilient.Redis.Queue;

/// <summary>The name under which a job's type is written in Redis, so that the type can be renamed. The type's own name by default.</summary>
/// <param name="name">1 to 100 characters.</param>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Struct)]
public sealed class JobNameAttribute(string name) : Attribute
{
    /// <summary>The wire name.</summary>
    public string Name => name;
}
