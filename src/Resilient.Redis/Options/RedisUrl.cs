using System.Globalization;

namespace Resilient.Redis.Options;

/// <summary>A <c>redis://</c> or <c>rediss://</c> URL taken apart; the driver would take the whole of it for a host name. Settings is the query, under the driver's own keys.</summary>
/// <remarks>With sentinels it is <c>redis+sentinel://user:password@host:port,host:port/service/database</c>, as Python and Java write it.</remarks>
internal sealed record RedisUrl(IReadOnlyList<(string Host, int Port)> Hosts, bool Tls, string? User, string? Password, IReadOnlyDictionary<string, string> Settings)
{
    private const int DefaultPort = 6379;
    private const string Sentinel = "+sentinel";

    /// <summary>What the query may say, and the driver's key for it. The lower half is what Python's redis-py understands.</summary>
    private static readonly Dictionary<string, string> s_keys = new(StringComparer.OrdinalIgnoreCase)
    {
        ["abortConnect"] = "abortConnect",
        ["allowAdmin"] = "allowAdmin",
        ["asyncTimeout"] = "asyncTimeout",
        ["channelPrefix"] = "channelPrefix",
        ["checkCertificateRevocation"] = "checkCertificateRevocation",
        ["configChannel"] = "configChannel",
        ["configCheckSeconds"] = "configCheckSeconds",
        ["connectRetry"] = "connectRetry",
        ["connectTimeout"] = "connectTimeout",
        ["defaultDatabase"] = "defaultDatabase",
        ["highIntegrity"] = "highIntegrity",
        ["keepAlive"] = "keepAlive",
        ["name"] = "name",
        ["protocol"] = "protocol",
        ["proxy"] = "proxy",
        ["resolveDns"] = "resolveDns",
        ["serviceName"] = "serviceName",
        ["setlib"] = "setlib",
        ["sslHost"] = "sslHost",
        ["sslProtocols"] = "sslProtocols",
        ["syncTimeout"] = "syncTimeout",
        ["tcpKeepAlive"] = "tcpKeepAlive",
        ["tiebreaker"] = "tiebreaker",
        ["version"] = "version",
        ["client_name"] = "name",
        ["db"] = "defaultDatabase",
        ["socket_connect_timeout"] = "connectTimeout",
        ["socket_keepalive"] = "tcpKeepAlive",
        ["socket_timeout"] = "asyncTimeout",
    };

    public string Host => Hosts[0].Host;

    public int Port => Hosts[0].Port;

    /// <summary>Whether a text wants to be a URL at all; anything else is a StackExchange.Redis connection string.</summary>
    public static bool LooksLikeOne(string text) => SchemeOf(text) is not null;

    /// <summary>Reads a URL. A fault never repeats a part that may hold a secret: only the scheme, and names of query keys.</summary>
    public static RedisUrl? Read(string text, string source, OptionsCheck check)
    {
        var scheme = SchemeOf(text)!;
        var sentinel = scheme.EndsWith(Sentinel, StringComparison.OrdinalIgnoreCase);
        var server = sentinel ? scheme[..^Sentinel.Length] : scheme;
        var tls = server.Equals("rediss", StringComparison.OrdinalIgnoreCase);
        if (!tls && !server.Equals("redis", StringComparison.OrdinalIgnoreCase))
            return Refuse("its scheme is not known; it must be redis:// or rediss://, with sentinels redis+sentinel:// or rediss+sentinel://");

        var rest = text[(scheme.Length + 3)..];
        var end = rest.IndexOfAny(['/', '?', '#']);
        var authority = end < 0 ? rest : rest[..end];
        var tail = end < 0 ? "" : rest[end..];

        // An @ or # behind the host is a password with one of / ? # in it: all that follows may be secret.
        if (tail.Contains('@') || tail.Contains('#'))
            return Refuse("in a user name or password the characters / ? # @ and % must be percent-encoded (%2F %3F %23 %40 %25)");

        var at = authority.LastIndexOf('@');
        var hosts = new List<(string, int)>();
        foreach (var one in sentinel ? authority[(at + 1)..].Split(',') : [authority[(at + 1)..]])
        {
            if (!ReadHost(one, sentinel ? ResolvedRedisOptions.SentinelPort : DefaultPort, out var host, out var port))
                return Refuse(sentinel
                    ? "its hosts cannot be read; it must be redis+sentinel://[user]:[password]@host[:port],host[:port]/service[/database][?key=value]"
                    : "its host and port cannot be read; it must be redis://[user]:[password]@host[:port][/database][?key=value], an IPv6 address in brackets, the port from 1 to 65535");
            hosts.Add((host, port));
        }

        var (user, password) = at < 0 ? (null, null) : ReadUser(authority[..at]);
        var question = tail.IndexOf('?', StringComparison.Ordinal);
        var path = (question < 0 ? tail : tail[..question]).Trim('/');
        var settings = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        if (sentinel)
        {
            var slash = path.IndexOf('/', StringComparison.Ordinal);
            var service = Uri.UnescapeDataString(slash < 0 ? path : path[..slash]);
            if (service.Length == 0 || service.Contains(','))
                return Refuse("its path must be the name of the service that the sentinels watch, such as /mymaster");
            settings["serviceName"] = service;
            path = slash < 0 ? "" : path[(slash + 1)..];
        }

        if (path.Length > 0)
        {
            if (!int.TryParse(path, NumberStyles.None, CultureInfo.InvariantCulture, out _))
                return Refuse("its path must be the number of a database, such as /0");
            settings["defaultDatabase"] = path;
        }

        if (question >= 0 && !ReadQuery(tail[(question + 1)..], settings, source, check))
            return null;
        return new RedisUrl(hosts, tls, user, password, settings);

        RedisUrl? Refuse(string reason)
        {
            check.Fault($"{source} is '{scheme}://***' and cannot be used: {reason}. (All behind the scheme is hidden, since it may hold a password.)");
            return null;
        }
    }

    private static string? SchemeOf(string text)
    {
        var colon = text.IndexOf("://", StringComparison.Ordinal);
        return colon is > 0 and <= 20 && text.AsSpan(0, colon).IndexOfAnyExcept(s_schemeLetters) < 0 ? text[..colon] : null;
    }

    private static readonly System.Buffers.SearchValues<char> s_schemeLetters =
        System.Buffers.SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-");

    private static (string? User, string? Password) ReadUser(string userInfo)
    {
        var colon = userInfo.IndexOf(':', StringComparison.Ordinal);
        var user = Uri.UnescapeDataString(colon < 0 ? userInfo : userInfo[..colon]);
        var password = colon < 0 ? null : Uri.UnescapeDataString(userInfo[(colon + 1)..]);
        return (user.Length == 0 ? null : user, password is "" ? null : password);
    }

    private static bool ReadHost(string text, int defaultPort, out string host, out int port)
    {
        port = defaultPort;
        var colon = text.LastIndexOf(':');
        var bracket = text.LastIndexOf(']');
        host = colon > bracket ? text[..colon] : text;
        if (colon > bracket && !(int.TryParse(text[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out port) && port is > 0 and <= 65535))
            return false;
        if (host.StartsWith('[') && host.EndsWith(']'))
        {
            host = host[1..^1];
            return Uri.CheckHostName(host) == UriHostNameType.IPv6;
        }

        return Uri.CheckHostName(host) is UriHostNameType.Dns or UriHostNameType.IPv4;
    }

    private static bool ReadQuery(string query, Dictionary<string, string> settings, string source, OptionsCheck check)
    {
        var good = true;
        foreach (var pair in query.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = pair.IndexOf('=', StringComparison.Ordinal);
            var name = Uri.UnescapeDataString(equals < 0 ? pair : pair[..equals]);
            var value = equals < 0 ? "" : Uri.UnescapeDataString(pair[(equals + 1)..]);
            if (!s_keys.TryGetValue(name, out var key))
            {
                var use = name.Equals("ssl", StringComparison.OrdinalIgnoreCase) ? " For TLS write rediss://." : "";
                check.Fault($"{source} has the query key '{name}', which is not known; known are {string.Join(", ", s_keys.Keys)}.{use}");
                good = false;
            }
            else if (name.StartsWith("socket_", StringComparison.OrdinalIgnoreCase) && key.EndsWith("Timeout", StringComparison.Ordinal))
            {
                if (Seconds(value) is { } milliseconds)
                    settings[key] = milliseconds;
                else
                    good = Unreadable($"{source} has {name}='{value}'; it must be a number of seconds, such as 2.5.");
            }
            else if (value.Contains(','))
            {
                good = Unreadable($"{source} has a comma in the value of '{name}'; the driver takes none there.");
            }
            else
            {
                settings[key] = value;
            }
        }

        return good;

        bool Unreadable(string fault)
        {
            check.Fault(fault);
            return false;
        }
    }

    private static string? Seconds(string value) =>
        double.TryParse(value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds) && seconds is > 0 and < 1e6
            ? ((int)Math.Ceiling(seconds * 1000)).ToString(CultureInfo.InvariantCulture)
            : null;
}
