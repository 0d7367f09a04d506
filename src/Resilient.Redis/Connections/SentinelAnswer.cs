using System.Globalization;
using System.Net;

namespace Resilient.Redis.Connections;

/// <summary>What one sentinel says of the service at one moment.</summary>
/// <param name="Primary">Who serves as the primary; null when the sentinel does not know the service.</param>
/// <param name="Epoch">The election that made it so: of two sentinels that disagree, the higher has the later news.</param>
/// <param name="IsReplacing">A failover away from this primary is under way: its replica may be writable already.</param>
/// <param name="IsDown">Enough sentinels do not reach it: a failover is about to begin.</param>
internal sealed record SentinelAnswer(DnsEndPoint? Primary, long Epoch, bool IsReplacing, bool IsDown)
{
    public static readonly SentinelAnswer Unknown = new(null, 0, false, false);

    /// <param name="address">The reply to SENTINEL GET-MASTER-ADDR-BY-NAME, which names the promoted replica first.</param>
    /// <param name="details">The reply to SENTINEL MASTER, which goes on describing the old primary until the failover has ended.</param>
    public static SentinelAnswer Of(EndPoint? address, IEnumerable<KeyValuePair<string, string>> details)
    {
        if (Named(address) is not { } primary)
            return Unknown;
        var fields = details.ToDictionary(pair => pair.Key, pair => pair.Value);
        var flags = (fields.GetValueOrDefault("flags") ?? "").Split(',');
        var isDescribed = fields.GetValueOrDefault("ip") == primary.Host && fields.GetValueOrDefault("port") == primary.Port.ToString(CultureInfo.InvariantCulture);
        _ = long.TryParse(fields.GetValueOrDefault("config-epoch"), CultureInfo.InvariantCulture, out var epoch);
        return new SentinelAnswer(primary, epoch, isDescribed && flags.Contains("failover_in_progress"), isDescribed && flags.Contains("o_down"));
    }

    private static DnsEndPoint? Named(EndPoint? address) => address switch
    {
        DnsEndPoint dns => dns,
        IPEndPoint ip => new DnsEndPoint(ip.Address.ToString(), ip.Port),
        _ => null,
    };
}
