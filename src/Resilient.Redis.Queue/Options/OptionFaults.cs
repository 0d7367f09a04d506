using System.Runtime.CompilerServices;
using Microsoft.Extensions.Options;

namespace Resilient.Redis.Queue.Options;

/// <summary>Collects what is wrong with options, so that all faults are told at once.</summary>
internal sealed class OptionFaults(string subject)
{
    private readonly List<string> _faults = [];

    public void Add(string fault) => _faults.Add($"{subject}: {fault}");

    public void Between<T>(T value, T least, T most, [CallerArgumentExpression(nameof(value))] string name = "")
        where T : IComparable<T>
    {
        if (value.CompareTo(least) < 0 || value.CompareTo(most) > 0)
            Add($"{name[(name.LastIndexOf('.') + 1)..]} is {value}; it must be from {least} to {most}.");
    }

    public ValidateOptionsResult Result() => _faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(_faults);
}
