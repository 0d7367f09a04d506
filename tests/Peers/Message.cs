using System.Text.Json;

namespace Resilient.Redis.Peers;

/// <summary>What the parent asks a child to do, one line of JSON each.</summary>
/// <param name="Verb"><c>prepare</c>, which is not timed, or <c>run</c>.</param>
/// <param name="Jobs">How many.</param>
/// <param name="Idle">How long a worker is left alone before its next job, in milliseconds; only for latency.</param>
internal sealed record Request(string Verb, int Jobs, int Idle = 15)
{
    public override string ToString() => JsonSerializer.Serialize(this, JsonSerializerOptions.Web);
}

/// <summary>A child's answer: seconds. One value for how long all took, or one for each job.</summary>
internal sealed record Reply(double[] Values)
{
    public override string ToString() => JsonSerializer.Serialize(this, JsonSerializerOptions.Web);
}
