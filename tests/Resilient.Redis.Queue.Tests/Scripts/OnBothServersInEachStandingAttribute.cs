using System.Reflection;
using Resilient.Redis.TestKit;
using Xunit.Sdk;

namespace Resilient.Redis.Queue.Tests.Scripts;

/// <summary>Runs a theory on both servers for every <see cref="Standing"/>.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class OnBothServersInEachStandingAttribute : DataAttribute
{
    public override IEnumerable<object[]> GetData(MethodInfo testMethod) =>
        from server in new OnBothServersAttribute().GetData(testMethod)
        from standing in Enum.GetValues<Standing>()
        select (object[])[server[0], standing];
}
