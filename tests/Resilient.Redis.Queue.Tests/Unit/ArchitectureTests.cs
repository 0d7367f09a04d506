using System.Reflection;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Tests.Unit;

public sealed class ArchitectureTests
{
    private static readonly Assembly s_package = typeof(IJobQueue).Assembly;

    [Fact]
    public void Public_types_are_few_and_where_they_belong() => HouseRules.CheckPublicTypes(s_package, budget: 53);

    [Fact]
    public void Public_async_methods_end_in_Async_and_take_a_token_last() => HouseRules.CheckAsyncMethods(s_package);

    [Fact]
    public void Log_event_ids_are_unique_and_in_their_block() => HouseRules.CheckEventIds(s_package, 200, 400);
}
