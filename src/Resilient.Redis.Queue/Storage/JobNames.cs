using System.Collections.Concurrent;
using System.Reflection;

namespace Resilient.Redis.Queue.Storage;

/// <summary>Which type of job goes by which wire name in one queue. Filled at registration.</summary>
internal sealed class JobNames
{
    public const int MaxLength = 100;

    private readonly ConcurrentDictionary<Type, string> _names = new();

    /// <summary>The name given at registration, else that of <see cref="JobNameAttribute"/>, else the type's own.</summary>
    public string Of<TJob>() => _names.GetOrAdd(typeof(TJob), static type => Checked(type.GetCustomAttribute<JobNameAttribute>()?.Name ?? type.Name));

    /// <exception cref="InvalidOperationException">The type has another name already.</exception>
    public string Register<TJob>(string? name)
    {
        var wanted = name is null ? Of<TJob>() : Checked(name);
        var known = _names.GetOrAdd(typeof(TJob), wanted);
        return known == wanted
            ? known
            : throw new InvalidOperationException($"The job {typeof(TJob).Name} was registered as '{known}' and now as '{wanted}'. Give it one name.");
    }

    private static string Checked(string name) => name is { Length: > 0 and <= MaxLength }
        ? name
        : throw new ArgumentException($"A job's name has 1 to {MaxLength} characters; '{name}' has {name.Length}.", nameof(name));
}
