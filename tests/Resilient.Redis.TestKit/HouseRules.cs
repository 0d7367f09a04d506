using System.Reflection;
using FluentAssertions;
using Microsoft.Extensions.Logging;

namespace Resilient.Redis.TestKit;

/// <summary>The house rules that a compiler does not check, for one package.</summary>
public static class HouseRules
{
    /// <summary>Public types live in the root namespace (registration in that of the container) and are closed to inheritance or made for it.</summary>
    public static void CheckPublicTypes(Assembly package, int budget)
    {
        var types = package.GetExportedTypes();
        foreach (var type in types)
        {
            type.Namespace.Should().BeOneOf(package.GetName().Name, "Microsoft.Extensions.DependencyInjection");
            (type.IsInterface || type.IsEnum || type.IsSealed || type.IsAbstract || type.IsValueType)
                .Should().BeTrue($"{type.Name} must be sealed, abstract, static, a value or an interface");
        }

        types.Length.Should().BeLessThanOrEqualTo(budget, "one more needs a reason");
    }

    /// <summary>What can be awaited ends in Async and takes a token last; nothing else does.</summary>
    public static void CheckAsyncMethods(Assembly package)
    {
        foreach (var method in package.GetExportedTypes().SelectMany(type =>
            type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly)))
        {
            var awaitable = typeof(Task).IsAssignableFrom(method.ReturnType) || method.ReturnType == typeof(ValueTask)
                || (method.ReturnType.IsGenericType && method.ReturnType.GetGenericTypeDefinition() == typeof(ValueTask<>));
            method.Name.EndsWith("Async", StringComparison.Ordinal).Should().Be(awaitable, method.Name);
            if (awaitable && method.Name != nameof(IAsyncDisposable.DisposeAsync))
                method.GetParameters()[^1].ParameterType.Should().Be<CancellationToken>(method.Name);
        }
    }

    /// <summary>Each event id of the package's Log class is its own, and in the package's block.</summary>
    public static void CheckEventIds(Assembly package, int from, int to)
    {
        var ids = package.GetTypes().Single(type => type.Name == "Log").GetMethods(BindingFlags.Public | BindingFlags.Static)
            .Select(method => method.GetCustomAttribute<LoggerMessageAttribute>()?.EventId).OfType<int>().ToList();
        ids.Should().NotBeEmpty().And.OnlyHaveUniqueItems();
        ids.Should().OnlyContain(id => id >= from && id < to);
    }
}
