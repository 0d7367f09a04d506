using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Resilient.Redis.Diagnostics;

namespace Resilient.Redis.Tests.Unit;

/// <summary>The house rules that a compiler does not check.</summary>
public sealed class ArchitectureTests
{
    private static readonly Type[] s_public = typeof(IResilientRedis).Assembly.GetExportedTypes();

    [Fact]
    public void Public_types_live_in_the_root_namespace_and_are_closed_to_inheritance_or_made_for_it()
    {
        foreach (var type in s_public.Where(type => type != typeof(ResilientRedisServiceCollectionExtensions)))
        {
            type.Namespace.Should().Be("Resilient.Redis", type.Name);
            (type.IsInterface || type.IsEnum || type.IsSealed || type.IsAbstract).Should().BeTrue($"{type.Name} must be sealed, abstract, static, an enum or an interface");
        }

        s_public.Length.Should().BeLessThanOrEqualTo(14, "the budget; one more needs a reason");
    }

    [Fact]
    public void Public_async_methods_end_in_Async_and_take_a_token_last()
    {
        foreach (var method in s_public.SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly)))
        {
            var awaitable = typeof(Task).IsAssignableFrom(method.ReturnType) || method.ReturnType == typeof(ValueTask)
                || (method.ReturnType.IsGenericType && method.ReturnType.GetGenericTypeDefinition() == typeof(ValueTask<>));
            method.Name.EndsWith("Async", StringComparison.Ordinal).Should().Be(awaitable, method.Name);
            if (awaitable && method.Name != nameof(IAsyncDisposable.DisposeAsync))
                method.GetParameters()[^1].ParameterType.Should().Be<CancellationToken>(method.Name);
        }
    }

    [Fact]
    public void Log_event_ids_are_unique_and_in_their_block()
    {
        var ids = typeof(Log).GetMethods(BindingFlags.Public | BindingFlags.Static)
            .Select(method => method.GetCustomAttribute<LoggerMessageAttribute>()?.EventId).OfType<int>().ToList();

        ids.Should().NotBeEmpty().And.OnlyHaveUniqueItems();
        ids.Should().OnlyContain(id => id >= 100 && id < 200);
    }
}
