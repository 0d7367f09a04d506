using System.Reflection;
using Resilient.Redis.Queue.Testing;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.InMemory;

public sealed class TestingPackageTests
{
    private static readonly Assembly s_package = typeof(InMemoryJobQueues).Assembly;

    [Fact]
    public void Public_types_are_few_and_where_they_belong() => HouseRules.CheckPublicTypes(s_package, budget: 3);

    [Fact]
    public void Public_async_methods_end_in_Async_and_take_a_token_last() => HouseRules.CheckAsyncMethods(s_package);
}
