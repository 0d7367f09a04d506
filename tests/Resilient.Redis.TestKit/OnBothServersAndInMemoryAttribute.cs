using System.Reflection;
using Xunit.Sdk;

namespace Resilient.Redis.TestKit;

/// <summary>Runs a theory on the servers of <see cref="OnBothServersAttribute"/> and on the queue in memory: what users are promised, wherever the queue lives.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class OnBothServersAndInMemoryAttribute : DataAttribute
{
    public override IEnumerable<object[]> GetData(MethodInfo testMethod) => [.. new OnBothServersAttribute().GetData(testMethod), [ServerKind.InMemory]];
}
