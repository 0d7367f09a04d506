using Microsoft.Extensions.Options;

namespace Resilient.Redis.Options;

/// <summary>Stops a start-up with all faults of all sources at once.</summary>
internal sealed class ResilientRedisOptionsValidator(string name, OptionsResolver resolver, DedicatedThreadsVotes votes) : IValidateOptions<ResilientRedisOptions>
{
    public ValidateOptionsResult Validate(string? optionsName, ResilientRedisOptions options)
    {
        if ((optionsName ?? "") != name)
            return ValidateOptionsResult.Skip;
        var faults = Faults(options);
        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }

    public IReadOnlyList<string> Faults(ResilientRedisOptions options)
    {
        var check = new OptionsCheck();
        if (resolver.Resolve(options, check) is { } resolved)
            votes.Check(resolved, check);
        var title = name.Length == 0 ? nameof(ResilientRedisOptions) : $"{nameof(ResilientRedisOptions)} '{name}'";
        return [.. check.Faults.Select(fault => $"{title}: {fault}")];
    }
}
